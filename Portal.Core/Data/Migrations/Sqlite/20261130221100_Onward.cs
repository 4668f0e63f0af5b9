using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Portal.Core.Data.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class Onward : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<int>(
                name: "Kind",
                table: "Domain",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<string>(
                name: "OnwardHost",
                table: "Domain",
                type: "TEXT",
                maxLength: 255,
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "OnwardPort",
                table: "Domain",
                type: "INTEGER",
                nullable: false,
                defaultValue: 25);

            migrationBuilder.AddColumn<long>(
                name: "OnwardSince",
                table: "Domain",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "OnwardTls",
                table: "Domain",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<int>(
                name: "RecipientCheck",
                table: "Domain",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.CreateTable(
                name: "OnwardRecipient",
                columns: table => new
                {
                    DomainId = table.Column<byte[]>(type: "BLOB", nullable: false),
                    LocalPart = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    IsListed = table.Column<bool>(type: "INTEGER", nullable: false),
                    ConfirmedAt = table.Column<long>(type: "INTEGER", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_OnwardRecipient", x => new { x.DomainId, x.LocalPart });
                    table.ForeignKey(
                        name: "FK_OnwardRecipient_Domain_DomainId",
                        column: x => x.DomainId,
                        principalTable: "Domain",
                        principalColumn: "Id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateIndex(
                name: "IX_Domain_Kind",
                table: "Domain",
                column: "Kind",
                filter: "\"Kind\" <> 0");

            migrationBuilder.CreateIndex(
                name: "IX_OnwardRecipient_Aged",
                table: "OnwardRecipient",
                column: "ConfirmedAt",
                filter: "NOT \"IsListed\"");

            migrationBuilder.CreateIndex(
                name: "IX_OnwardRecipient_Listed",
                table: "OnwardRecipient",
                columns: new[] { "DomainId", "LocalPart" },
                filter: "\"IsListed\"");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "OnwardRecipient");

            migrationBuilder.DropIndex(
                name: "IX_Domain_Kind",
                table: "Domain");

            migrationBuilder.DropColumn(
                name: "Kind",
                table: "Domain");

            migrationBuilder.DropColumn(
                name: "OnwardHost",
                table: "Domain");

            migrationBuilder.DropColumn(
                name: "OnwardPort",
                table: "Domain");

            migrationBuilder.DropColumn(
                name: "OnwardSince",
                table: "Domain");

            migrationBuilder.DropColumn(
                name: "OnwardTls",
                table: "Domain");

            migrationBuilder.DropColumn(
                name: "RecipientCheck",
                table: "Domain");
        }
    }
}
