using Portal.Web.Components;

namespace Portal.Tests.Web;

/// <summary>What the log learns of a failed request.</summary>
public class FaultsTests
{
    [Theory]
    [InlineData("/setup/aB3-token", "/setup/…")]
    [InlineData("/First-Password/aB3-token", "/First-Password/…")]
    [InlineData("/setup/aB3-token/", "/setup/…/")]
    [InlineData("/setup", "/setup")]
    [InlineData("/mail/5", "/mail/5")]
    [InlineData("/", "/")]
    public void A_token_that_works_once_stays_out_of_the_log(string path, string logged) => Assert.Equal(logged, Faults.Loggable(path));
}
