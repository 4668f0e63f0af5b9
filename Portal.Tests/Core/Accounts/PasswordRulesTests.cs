using Portal.Core.Accounts;
using Portal.Core.Addresses;

namespace Portal.Tests.Core.Accounts;

public class PasswordRulesTests
{
    [Theory]
    [InlineData("elevensigns", "PasswordTooShort")]
    [InlineData("I am Anna.Berg today", "PasswordHasName")]
    [InlineData("aaaaaaaabbbb", "PasswordTooSimple")]
    [InlineData("Password1234", "PasswordCommon")]
    [InlineData("P@ssw0rd2026!", "PasswordCommon")]
    [InlineData("WelcomeAdmin2026", "PasswordCommon")]
    [InlineData("qwertyuiop12", "PasswordCommon")]
    [InlineData("testing12345", "PasswordCommon")]
    [InlineData("839201746593", "PasswordCommon")]
    [InlineData("Summer2026!!!x", null)]
    [InlineData("83920174659382015543", null)]
    [InlineData("the greatest test of all", null)]
    [InlineData("seven green apples", null)]
    [InlineData("正确的马电池订书钉再来两个", null)]
    public void What_is_guessed_first_is_refused(string password, string? refusal) => Assert.Equal(refusal, PasswordRules.Check(password, MailAddress.Parse("anna.berg@portal.test"))?.Key);

    [Fact]
    public void A_generated_password_passes() => Assert.All(Enumerable.Range(0, 100), _ => Assert.Null(PasswordRules.Check(PasswordRules.Generate(), MailAddress.Parse("anna.berg@portal.test"))));
}
