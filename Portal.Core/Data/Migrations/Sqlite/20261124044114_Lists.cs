using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Portal.Core.Data.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class Lists : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_Mailbox_Name",
                table: "Mailbox");

            migrationBuilder.AddColumn<string>(
                name: "Results",
                table: "Work",
                type: "TEXT",
                nullable: true);

            migrationBuilder.CreateIndex(
                name: "IX_Mailbox_ListByAddress",
                table: "Mailbox",
                columns: new[] { "PrimaryAddress", "Name", "State", "Kind", "DomainId" });

            migrationBuilder.CreateIndex(
                name: "IX_Mailbox_ListByName",
                table: "Mailbox",
                columns: new[] { "Name", "PrimaryAddress", "State", "Kind", "DomainId" });

            migrationBuilder.CreateIndex(
                name: "IX_Account_List",
                table: "Account",
                columns: new[] { "UserName", "DisplayName", "IsDisabled" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_Mailbox_ListByAddress",
                table: "Mailbox");

            migrationBuilder.DropIndex(
                name: "IX_Mailbox_ListByName",
                table: "Mailbox");

            migrationBuilder.DropIndex(
                name: "IX_Account_List",
                table: "Account");

            migrationBuilder.DropColumn(
                name: "Results",
                table: "Work");

            migrationBuilder.CreateIndex(
                name: "IX_Mailbox_Name",
                table: "Mailbox",
                column: "Name");
        }
    }
}
