using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Portal.Smtp;

namespace Portal.Tests.Smtp;

public sealed class SmtpOptionsTests
{
    [Theory]
    [InlineData("Portal:Smtp:MaxMessageSizeBytes", "1000")]
    [InlineData("Portal:Smtp:MaxRecipients", "0")]
    [InlineData("Portal:Smtp:MaxCommandOctets", "100")]
    [InlineData("Portal:Smtp:CommandTimeout", "00:00:00")]
    [InlineData("Portal:Smtp:SessionTimeout", "-00:01:00")]
    [InlineData("Portal:Smtp:ConnectionsForKnownClients", "1000")]
    [InlineData("Portal:HostName", "not a host")]
    public void A_setting_out_of_bounds_is_refused_by_its_name(string key, string value)
    {
        var failure = Assert.Throws<OptionsValidationException>(() => Read(key, value));

        Assert.Contains(key.Split(':')[^1], failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Defaults_are_valid_and_those_of_the_design()
    {
        var options = Read("Portal:HostName", "mx.portal.test");

        Assert.Equal(50L << 20, options.MaxMessageSizeBytes);
        Assert.Equal(256 << 10, options.MaxHeaderBytes);
        Assert.Equal(1000, options.MaxRecipients);
        Assert.Equal(TimeSpan.FromMinutes(30), options.SessionTimeout);
    }

    private static SmtpOptions Read(string key, string value)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["Portal:HostName"] = "mx.portal.test", [key] = value }).Build();
        using var services = new ServiceCollection().AddSingleton<IConfiguration>(configuration).AddPortalSmtp(configuration).BuildServiceProvider();
        return services.GetRequiredService<IOptions<SmtpOptions>>().Value;
    }
}
