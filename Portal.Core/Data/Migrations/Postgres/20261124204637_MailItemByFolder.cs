using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Portal.Core.Data.Migrations.Postgres
{
    /// <inheritdoc />
    public partial class MailItemByFolder : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropForeignKey(
                name: "FK_MailItem_Mailbox_MailboxId",
                table: "MailItem");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddForeignKey(
                name: "FK_MailItem_Mailbox_MailboxId",
                table: "MailItem",
                column: "MailboxId",
                principalTable: "Mailbox",
                principalColumn: "Id",
                onDelete: ReferentialAction.Restrict);
        }
    }
}
