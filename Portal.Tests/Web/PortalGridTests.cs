using Bunit;
using Microsoft.AspNetCore.Components;
using Microsoft.Extensions.DependencyInjection;
using MudBlazor;
using Portal.Core;
using Portal.Core.Permissions;
using Portal.Web.Components.Shared;
using Column = Portal.Web.Components.Shared.Column<string>;

namespace Portal.Tests.Web;

/// <summary>The one list of the portal, and its faces.</summary>
public sealed class PortalGridTests : PartsContext
{
    [Fact]
    public void A_list_asks_for_a_page_sorts_by_its_column_and_links_its_first()
    {
        var asked = new List<GridRequest>();
        var grid = RenderGrid(ask =>
        {
            asked.Add(ask);
            return new Page<string>(["anna", "bert"], 2, true);
        });

        Assert.Equal(new GridRequest(0, 50, "name", false), Assert.Single(asked));
        Assert.Equal("/people/anna", grid.Find("a.row-link").GetAttribute("href"));
        Assert.Equal("ascending", grid.Find("th[aria-sort]").GetAttribute("aria-sort"));

        grid.Find(".grid-sort").Click();

        Assert.EndsWith("sort=-name", Services.GetRequiredService<NavigationManager>().Uri, StringComparison.Ordinal);
    }

    [Fact]
    public void A_refused_list_says_why()
    {
        var grid = RenderGrid(_ => new NotPermitted(Capability.ViewQueue));

        Assert.Contains("see the queue", grid.Find(".empty").TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_list_has_its_face()
    {
        var grid = RenderGrid(_ => new Page<string>([], 0, true));

        Assert.Empty(grid.FindAll("table"));
        Assert.NotNull(grid.Find(".empty"));
    }

    [Theory]
    [InlineData(199, false)]
    [InlineData(200, true)]
    [InlineData(5_000, true)]   // beyond the last page there is none
    public void The_last_page_of_a_list_says_that_there_is_more_and_how_to_reach_it(int number, bool says)
    {
        var skips = new List<int>();
        Services.GetRequiredService<NavigationManager>().NavigateTo($"people?page={number}");
        var grid = RenderGrid(ask =>
        {
            skips.Add(ask.Skip);
            return new Page<string>([.. Enumerable.Range(ask.Skip, 50).Select(i => $"p{i}")], Paging.CountLimit, false);
        });

        Assert.Equal(Math.Min(number - 1, 199) * 50, Assert.Single(skips));
        Assert.Equal(says, grid.Markup.Contains("More rows match than the 10,000 that a list goes through. A search or a filter reaches the others.", StringComparison.Ordinal));
    }

    [Fact]
    public void A_list_that_stopped_counting_says_so_where_everything_is_selected()
    {
        var grid = RenderGrid(_ => new Page<string>([.. Enumerable.Range(0, 50).Select(i => $"p{i}")], Paging.CountLimit, false));
        grid.Find("thead input").Change(true);

        grid.FindAll("button").Single(b => b.TextContent.Trim() == "Select all that match (over 10,000)").Click();

        Assert.Contains("over 10,000 selected", grid.Find(".bulk").TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_drawer_goes_from_row_to_row_and_no_further_than_the_page()
    {
        var current = "bert";
        var opened = new List<string>();
        var grid = RenderGrid(_ => new Page<string>(["anna", "bert", "carl"], 3, true), p => p.Add(g => g.IsCurrent, r => r == current).Add(g => g.OnOpen, row => opened.Add(current = row)));

        foreach (var by in (int[])[1, 1, -1, -1, -1]) await grid.InvokeAsync(() => grid.Instance.OpenBesideAsync(by));

        Assert.Equal(["carl", "bert", "anna"], opened);
    }

    private IRenderedComponent<PortalGrid<string>> RenderGrid(
        Func<GridRequest, Outcome<Page<string>>> answer, Action<ComponentParameterCollectionBuilder<PortalGrid<string>>>? inDrawer = null)
    {
        Render<MudPopoverProvider>();
        RenderFragment<string> cell = name => builder => builder.AddContent(0, name);
        return Render<PortalGrid<string>>(p =>
        {
            p.Add(g => g.Label, "people").Add(g => g.Key, s => s).Add(g => g.DefaultSort, "name").Add(g => g.CanSelectMatching, true).Add(g => g.Bulk, _ => "");
            p.Add(g => g.Load, (ask, _) => Task.FromResult(answer(ask)));
            p.Add(g => g.Columns, builder =>
            {
                builder.OpenComponent<Column>(0);
                builder.AddComponentParameter(1, nameof(Column.Title), "name");
                builder.AddComponentParameter(2, nameof(Column.Sort), "name");
                builder.AddComponentParameter(3, nameof(Column.ChildContent), cell);
                builder.CloseComponent();
            });
            if (inDrawer is null) p.Add(g => g.Href, s => $"/people/{s}");
            else inDrawer(p);
        });
    }
}
