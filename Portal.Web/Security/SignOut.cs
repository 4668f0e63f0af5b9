using Microsoft.AspNetCore.Antiforgery;

namespace Portal.Web.Security;

internal static class SignOut
{
    /// <summary>POST with an antiforgery token: no page of another site can sign somebody out.</summary>
    public static void MapSignOut(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/sign-out", async (HttpContext context, IAntiforgery antiforgery, Sessions sessions) =>
        {
            if (!await antiforgery.IsRequestValidAsync(context)) return Results.BadRequest();
            await sessions.EndAsync(context);
            return Results.LocalRedirect("/sign-in?signedOut=true");
        }).AllowAnonymous();
}
