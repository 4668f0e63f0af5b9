using System;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql.EntityFrameworkCore.PostgreSQL.Metadata;

#nullable disable

#pragma warning disable CA1814 // Prefer jagged arrays over multidimensional

namespace Portal.Core.Data.Migrations.Postgres
{
    /// <inheritdoc />
    public partial class QuarantineAndLists : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "ListEntry",
                columns: table => new
                {
                    Id = table.Column<Guid>(type: "uuid", nullable: false),
                    Kind = table.Column<int>(type: "integer", nullable: false),
                    Match = table.Column<int>(type: "integer", nullable: false),
                    Pattern = table.Column<string>(type: "character varying(320)", maxLength: 320, nullable: false),
                    DomainId = table.Column<Guid>(type: "uuid", nullable: true),
                    ExpiresAt = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    Reason = table.Column<string>(type: "character varying(500)", maxLength: 500, nullable: true),
                    CreatedAt = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    CreatedBy = table.Column<string>(type: "character varying(320)", maxLength: 320, nullable: false),
                    Version = table.Column<int>(type: "integer", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_ListEntry", x => x.Id);
                    table.ForeignKey(
                        name: "FK_ListEntry_Domain_DomainId",
                        column: x => x.DomainId,
                        principalTable: "Domain",
                        principalColumn: "Id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "QuarantineItem",
                columns: table => new
                {
                    Id = table.Column<long>(type: "bigint", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    MessageId = table.Column<long>(type: "bigint", nullable: false),
                    QueueId = table.Column<Guid>(type: "uuid", nullable: false),
                    Kind = table.Column<int>(type: "integer", nullable: false),
                    ReversePath = table.Column<string>(type: "character varying(320)", maxLength: 320, nullable: false),
                    ForwardPath = table.Column<string>(type: "character varying(320)", maxLength: 320, nullable: false),
                    DomainId = table.Column<Guid>(type: "uuid", nullable: true),
                    Rule = table.Column<string>(type: "character varying(100)", maxLength: 100, nullable: false),
                    IsRefused = table.Column<bool>(type: "boolean", nullable: false),
                    At = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    ExpiresAt = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    SizeBytes = table.Column<long>(type: "bigint", nullable: false),
                    AccountId = table.Column<Guid>(type: "uuid", nullable: true),
                    Notify = table.Column<int>(type: "integer", nullable: false),
                    Return = table.Column<int>(type: "integer", nullable: false),
                    EnvelopeId = table.Column<string>(type: "character varying(100)", maxLength: 100, nullable: true),
                    OriginalRecipient = table.Column<string>(type: "character varying(500)", maxLength: 500, nullable: true),
                    LifetimeSeconds = table.Column<int>(type: "integer", nullable: false),
                    IsDemo = table.Column<bool>(type: "boolean", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_QuarantineItem", x => x.Id);
                    table.ForeignKey(
                        name: "FK_QuarantineItem_Message_MessageId",
                        column: x => x.MessageId,
                        principalTable: "Message",
                        principalColumn: "Id",
                        onDelete: ReferentialAction.Restrict);
                });

            migrationBuilder.CreateTable(
                name: "ListHits",
                columns: table => new
                {
                    EntryId = table.Column<Guid>(type: "uuid", nullable: false),
                    Count = table.Column<long>(type: "bigint", nullable: false),
                    LastAt = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_ListHits", x => x.EntryId);
                    table.ForeignKey(
                        name: "FK_ListHits_ListEntry_EntryId",
                        column: x => x.EntryId,
                        principalTable: "ListEntry",
                        principalColumn: "Id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.InsertData(
                table: "ChangeCounter",
                columns: new[] { "Area", "Value" },
                values: new object[,]
                {
                    { 9, 0L },
                    { 10, 0L }
                });

            migrationBuilder.CreateIndex(
                name: "IX_ListEntry_DomainId_Match_Pattern",
                table: "ListEntry",
                columns: new[] { "DomainId", "Match", "Pattern" },
                unique: true,
                filter: "\"DomainId\" IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "IX_ListEntry_Match_Pattern",
                table: "ListEntry",
                columns: new[] { "Match", "Pattern" },
                unique: true,
                filter: "\"DomainId\" IS NULL");

            migrationBuilder.CreateIndex(
                name: "IX_ListEntry_Pattern",
                table: "ListEntry",
                column: "Pattern");

            migrationBuilder.CreateIndex(
                name: "IX_QuarantineItem_DomainId_Id",
                table: "QuarantineItem",
                columns: new[] { "DomainId", "Id" });

            migrationBuilder.CreateIndex(
                name: "IX_QuarantineItem_ExpiresAt",
                table: "QuarantineItem",
                column: "ExpiresAt");

            migrationBuilder.CreateIndex(
                name: "IX_QuarantineItem_MessageId",
                table: "QuarantineItem",
                column: "MessageId");

            migrationBuilder.CreateIndex(
                name: "IX_QuarantineItem_QueueId",
                table: "QuarantineItem",
                column: "QueueId");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "ListHits");

            migrationBuilder.DropTable(
                name: "QuarantineItem");

            migrationBuilder.DropTable(
                name: "ListEntry");

            migrationBuilder.DeleteData(
                table: "ChangeCounter",
                keyColumn: "Area",
                keyValue: 9);

            migrationBuilder.DeleteData(
                table: "ChangeCounter",
                keyColumn: "Area",
                keyValue: 10);
        }
    }
}
