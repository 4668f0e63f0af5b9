using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Portal.Core.Data.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class MailItemByFolder : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            // Not DropForeignKey, which copies the whole table.
            SqliteForeignKey.Drop(
                migrationBuilder,
                "MailItem",
                """CONSTRAINT "FK_MailItem_Mailbox_MailboxId" FOREIGN KEY ("MailboxId") REFERENCES "Mailbox" ("Id") ON DELETE RESTRICT,""");
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
