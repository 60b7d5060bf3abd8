using System.Security.Cryptography.X509Certificates;

namespace Holdfast.Http;

/// <summary>Whether a client's certificate chains to the operator's own roots, and to nothing else that the machine happens to trust.</summary>
public static class ClientTrust
{
    private const string CommonName = "2.5.4.3";
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    /// <summary>Whether a chain can be built from the certificate, over what the client sent with it, to one of the roots. Revocation is not looked up.</summary>
    public static bool Chains(X509Certificate2 certificate, X509Chain? shown, X509Certificate2Collection roots)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(roots);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.ApplicationPolicy.Add(new System.Security.Cryptography.Oid(ClientAuthentication));
        if (shown is not null)
            foreach (var element in shown.ChainElements)
                chain.ChainPolicy.ExtraStore.Add(element.Certificate);
        return chain.Build(certificate);
    }

    /// <summary>The subject's common name, the last one if there are several, as Go reads it; null without one. No other name stands in for it: it is whom the client acts as.</summary>
    public static string? CommonNameOf(X509Certificate2 certificate)
    {
        string? name = null;
        foreach (var part in certificate.SubjectName.EnumerateRelativeDistinguishedNames(reversed: false))
            if (!part.HasMultipleElements && part.GetSingleElementType().Value == CommonName) name = part.GetSingleElementValue();
        return name;
    }
}
