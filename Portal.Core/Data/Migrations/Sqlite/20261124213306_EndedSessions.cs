using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Portal.Core.Data.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class EndedSessions : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "EndedSession",
                columns: table => new
                {
                    Id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    ExpiresAt = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_EndedSession", x => x.Id);
                });

            migrationBuilder.InsertData(
                table: "ChangeCounter",
                columns: new[] { "Area", "Value" },
                values: new object[] { 8, 0L });

            migrationBuilder.CreateIndex(
                name: "IX_EndedSession_ExpiresAt",
                table: "EndedSession",
                column: "ExpiresAt");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "EndedSession");

            migrationBuilder.DeleteData(
                table: "ChangeCounter",
                keyColumn: "Area",
                keyValue: 8);
        }
    }
}
