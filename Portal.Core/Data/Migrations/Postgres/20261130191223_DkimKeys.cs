using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Portal.Core.Data.Migrations.Postgres
{
    /// <inheritdoc />
    public partial class DkimKeys : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<int>(
                name: "RotateDkimEveryMonths",
                table: "Domain",
                type: "integer",
                nullable: true);

            migrationBuilder.CreateTable(
                name: "DkimKey",
                columns: table => new
                {
                    Id = table.Column<Guid>(type: "uuid", nullable: false),
                    DomainId = table.Column<Guid>(type: "uuid", nullable: false),
                    Selector = table.Column<string>(type: "character varying(63)", maxLength: 63, nullable: false),
                    Algorithm = table.Column<int>(type: "integer", nullable: false),
                    PublicKey = table.Column<string>(type: "character varying(1000)", maxLength: 1000, nullable: false),
                    PrivateKey = table.Column<byte[]>(type: "bytea", nullable: true),
                    State = table.Column<int>(type: "integer", nullable: false),
                    CreatedAt = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    PublishedAt = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    ActivatedAt = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    RetireAt = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    LastCheckedAt = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    LastFound = table.Column<int>(type: "integer", nullable: true),
                    NextCheckAt = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    Version = table.Column<int>(type: "integer", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_DkimKey", x => x.Id);
                    table.ForeignKey(
                        name: "FK_DkimKey_Domain_DomainId",
                        column: x => x.DomainId,
                        principalTable: "Domain",
                        principalColumn: "Id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.InsertData(
                table: "ChangeCounter",
                columns: new[] { "Area", "Value" },
                values: new object[] { 11, 0L });

            migrationBuilder.CreateIndex(
                name: "IX_Domain_RotateDkimEveryMonths",
                table: "Domain",
                column: "RotateDkimEveryMonths",
                filter: "\"RotateDkimEveryMonths\" IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "IX_DkimKey_DomainId_Algorithm",
                table: "DkimKey",
                columns: new[] { "DomainId", "Algorithm" },
                unique: true,
                filter: "\"State\" = 0");

            migrationBuilder.CreateIndex(
                name: "IX_DkimKey_DomainId_Selector",
                table: "DkimKey",
                columns: new[] { "DomainId", "Selector" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_DkimKey_NextCheckAt",
                table: "DkimKey",
                column: "NextCheckAt",
                filter: "\"State\" = 0");

            migrationBuilder.CreateIndex(
                name: "IX_DkimKey_RetireAt",
                table: "DkimKey",
                column: "RetireAt",
                filter: "\"State\" = 2");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "DkimKey");

            migrationBuilder.DropIndex(
                name: "IX_Domain_RotateDkimEveryMonths",
                table: "Domain");

            migrationBuilder.DeleteData(
                table: "ChangeCounter",
                keyColumn: "Area",
                keyValue: 11);

            migrationBuilder.DropColumn(
                name: "RotateDkimEveryMonths",
                table: "Domain");
        }
    }
}
