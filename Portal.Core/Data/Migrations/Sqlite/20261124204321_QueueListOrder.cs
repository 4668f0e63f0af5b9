using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Portal.Core.Data.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class QueueListOrder : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateIndex(
                name: "IX_QueueEntry_Cause_RouteKey",
                table: "QueueEntry",
                columns: new[] { "Cause", "RouteKey" },
                filter: "\"Cause\" <> 0");

            migrationBuilder.CreateIndex(
                name: "IX_QueueEntry_NextAttemptAt",
                table: "QueueEntry",
                column: "NextAttemptAt");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_QueueEntry_Cause_RouteKey",
                table: "QueueEntry");

            migrationBuilder.DropIndex(
                name: "IX_QueueEntry_NextAttemptAt",
                table: "QueueEntry");
        }
    }
}
