using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Portal.Core.Data.Migrations.Postgres
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
                type: "integer",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<string>(
                name: "OnwardHost",
                table: "Domain",
                type: "character varying(255)",
                maxLength: 255,
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "OnwardPort",
                table: "Domain",
                type: "integer",
                nullable: false,
                defaultValue: 25);

            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "OnwardSince",
                table: "Domain",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "OnwardTls",
                table: "Domain",
                type: "integer",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<int>(
                name: "RecipientCheck",
                table: "Domain",
                type: "integer",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.CreateTable(
                name: "OnwardRecipient",
                columns: table => new
                {
                    DomainId = table.Column<Guid>(type: "uuid", nullable: false),
                    LocalPart = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false),
                    IsListed = table.Column<bool>(type: "boolean", nullable: false),
                    ConfirmedAt = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true)
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
