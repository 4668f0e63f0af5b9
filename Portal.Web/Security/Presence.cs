namespace Portal.Web.Security;

internal static class Presence
{
    /// <summary>
    /// What portal.js asks while somebody types, presses or scrolls in an open page: the request itself is the sign
    /// (<see cref="Sessions.ValidateAsync"/>), and an ended session stays ended. A circuit's own messages are none: they also answer the server.
    /// </summary>
    public static void MapPresence(this IEndpointRouteBuilder routes) => routes.MapPost("/here", () => Results.NoContent()).AllowAnonymous();
}
