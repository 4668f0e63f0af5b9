using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Portal.Core.Data.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class RecordAges : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateIndex(
                name: "IX_Work_EndedAt",
                table: "Work",
                column: "EndedAt");

            migrationBuilder.CreateIndex(
                name: "IX_SignIn_At_Id",
                table: "SignIn",
                columns: new[] { "At", "Id" });

            migrationBuilder.CreateIndex(
                name: "IX_OneTimeLink_ExpiresAt",
                table: "OneTimeLink",
                column: "ExpiresAt");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_Work_EndedAt",
                table: "Work");

            migrationBuilder.DropIndex(
                name: "IX_SignIn_At_Id",
                table: "SignIn");

            migrationBuilder.DropIndex(
                name: "IX_OneTimeLink_ExpiresAt",
                table: "OneTimeLink");
        }
    }
}
