using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Portal.Core.Data.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class MtaSts : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<long>(
                name: "MtaStsHeldUntil",
                table: "Domain",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "MtaStsMaxAgeDays",
                table: "Domain",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "MtaStsMode",
                table: "Domain",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "MtaStsHeldUntil",
                table: "Domain");

            migrationBuilder.DropColumn(
                name: "MtaStsMaxAgeDays",
                table: "Domain");

            migrationBuilder.DropColumn(
                name: "MtaStsMode",
                table: "Domain");
        }
    }
}
