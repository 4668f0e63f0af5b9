using AngleSharp.Dom;
using Bunit;
using Microsoft.AspNetCore.Components.Web;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Tests.Core;
using Portal.Tests.Fixtures;
using Portal.Web.Mail;

namespace Portal.Tests.Web.Mail;

/// <summary>The field for recipients: what is typed becomes chips, and colleagues are offered.</summary>
public sealed class AddressFieldTests : IAsyncLifetime
{
    private TestDatabase database = null!;
    private PageBed bed = null!;
    private IReadOnlyList<string> values = [];

    public async ValueTask InitializeAsync()
    {
        database = await TestDatabase.CreateAsync(DatabaseKind.Sqlite);
        await database.SeedDomainAsync();
        bed = await PageBed.CreateAsync(database);
        bed.JSInterop.SetupModule("./Mail/AddressField.razor.js").Mode = JSRuntimeMode.Loose;
        foreach (var (address, name) in new[] { ("anna@portal.test", "Berg, Anna"), ("anton@portal.test", "Anton") })
        {
            var made = await database.AddMailboxAsync(address);
            await database.Get<MailboxService>().RenameAsync(Organisation.With(Role.Administrator), made.MailboxId, 0, name, CancellationToken.None);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await bed.DisposeAsync();
        await database.DisposeAsync();
    }

    [Fact]
    public void Arrows_choose_among_those_offered_and_Enter_takes_with_the_name()
    {
        var field = Field();
        Input(field).Input("an");
        Assert.Equal(["Anton|anton@portal.test", "Berg, Anna|anna@portal.test"], Offered(field));
        Assert.Equal("true", Input(field).GetAttribute("aria-expanded"));
        var first = Input(field).GetAttribute("aria-activedescendant");
        Assert.Equal(first, field.Find("[aria-selected=true]").Id);

        Press(field, "ArrowDown");
        Assert.NotEqual(first, Input(field).GetAttribute("aria-activedescendant"));
        Press(field, "Enter");

        Assert.Equal(["\"Berg, Anna\" <anna@portal.test>"], values);
        Assert.Equal(("", "false"), (Input(field).GetAttribute("value"), Input(field).GetAttribute("aria-expanded")));
        Input(field).Input("an");
        Assert.Equal(["Anton|anton@portal.test"], Offered(field));   // who stands there is not offered again
    }

    [Fact]
    public void Tab_takes_the_one_chosen_and_shift_Tab_none()
    {
        var field = Field();
        Input(field).Input("ant");
        field.WaitForAssertion(() => Assert.Single(field.FindAll("[role=option]")));
        Input(field).KeyDown(new KeyboardEventArgs { Key = "Tab", ShiftKey = true });
        Assert.Single(values, "ant");   // as leaving the field does

        Input(field).Input("ant");
        field.WaitForAssertion(() => Assert.Single(field.FindAll("[role=option]")));
        Press(field, "Tab");
        Assert.Equal("\"Anton\" <anton@portal.test>", values[^1]);
    }

    [Fact]
    public void Escape_closes_and_what_is_typed_is_taken_as_it_stands()
    {
        var field = Field();
        Input(field).Input("anton@portal.test");
        field.WaitForAssertion(() => Assert.Single(field.FindAll("[role=option]")));
        Press(field, "Escape");
        Assert.Empty(field.FindAll("[role=option]"));

        Press(field, "Enter");

        Assert.Equal(["anton@portal.test"], values);
    }

    [Fact]
    public void One_is_taken_by_a_press_too()
    {
        var field = Field();
        Input(field).Input("anto");
        field.WaitForElement("[role=option]").Click();

        Assert.Equal(["\"Anton\" <anton@portal.test>"], values);
    }

    private static IElement Input(IRenderedComponent<AddressField> field) => field.Find("input");

    private static void Press(IRenderedComponent<AddressField> field, string key) => Input(field).KeyDown(new KeyboardEventArgs { Key = key, Code = key });

    private static IEnumerable<string> Offered(IRenderedComponent<AddressField> field) =>
        field.WaitForElements("[role=option]").Select(o => string.Join('|', o.Children.Select(c => c.TextContent)));

    private IRenderedComponent<AddressField> Field()
    {
        IRenderedComponent<AddressField>? field = null;
        field = bed.Render<AddressField>(p => p.Add(f => f.Label, "To").Add(f => f.Values, values).Add(f => f.ValuesChanged, changed =>
        {
            values = changed;
            field!.Render(again => again.Add(f => f.Values, changed));
        }));
        return field;
    }
}
