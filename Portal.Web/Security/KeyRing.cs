using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.EntityFrameworkCore;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.AspNetCore.DataProtection.XmlEncryption;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;

namespace Portal.Web.Security;

/// <summary>Data Protection's keys in the database, so that every node reads every cookie. The framework's own store writes past the gate, hence this one.</summary>
internal sealed class KeyRing(IDbContextFactory<PortalDbContext> databases, WriteGate gate) : IXmlRepository
{
    public IReadOnlyCollection<XElement> GetAllElements()
    {
        using var db = databases.CreateDbContext();
        return [.. db.DataProtectionKeys.AsNoTracking().OrderBy(k => k.Id).Take(1000).Select(k => k.Xml!).ToList().Select(xml => XElement.Parse(xml))];
    }

    // The interface knows no async; it runs once in 90 days.
    public void StoreElement(XElement element, string friendlyName) => StoreAsync(element, friendlyName).GetAwaiter().GetResult();

    private async Task StoreAsync(XElement element, string friendlyName)
    {
        using var turn = await gate.EnterAsync(CancellationToken.None);
        await using var db = await databases.CreateDbContextAsync();
        db.DataProtectionKeys.Add(new DataProtectionKey { FriendlyName = friendlyName, Xml = element.ToString(SaveOptions.DisableFormatting) });
        await db.SaveChangesAsync();
    }
}

/// <summary>Seals each key under the master key before it is stored.</summary>
internal sealed class SealedKeys(SecretBox box) : IXmlEncryptor
{
    internal const string Entity = "DataProtectionKey";
    internal const string Column = "Xml";

    public EncryptedXmlInfo Encrypt(XElement plaintextElement) =>
        new(new XElement("sealed", Convert.ToBase64String(box.Seal(Entity, Column, plaintextElement.ToString(SaveOptions.DisableFormatting)))), typeof(SealedKeysOpener));
}

/// <summary>Opens what <see cref="SealedKeys"/> sealed; Data Protection makes it by the type's name, which stands in the database.</summary>
internal sealed class SealedKeysOpener(IServiceProvider services) : IXmlDecryptor
{
    public XElement Decrypt(XElement encryptedElement) =>
        XElement.Parse(System.Text.Encoding.UTF8.GetString(services.GetRequiredService<SecretBox>().Open(SealedKeys.Entity, SealedKeys.Column, Convert.FromBase64String(encryptedElement.Value))));
}

internal static class KeyRingServices
{
    public static IServiceCollection AddKeyRing(this IServiceCollection services)
    {
        services.AddDataProtection().SetApplicationName("Portal");
        services.AddOptions<KeyManagementOptions>().Configure<IDbContextFactory<PortalDbContext>, WriteGate, SecretBox>((keys, databases, gate, box) =>
        {
            keys.XmlRepository = new KeyRing(databases, gate);
            keys.XmlEncryptor = new SealedKeys(box);
        });
        return services;
    }
}
