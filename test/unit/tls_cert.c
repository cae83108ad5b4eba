/* tls_cert: reading certificates, what they are shown as, and pins. */

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tls_cert_impl.h"

#include "der.h"
#include "tap.h"

/*
 * Made with openssl req -x509 from a configuration that gives the extensions
 * seen below; what is expected of each is what openssl x509 says of it.
 */
static const char	leaf_pem[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIICJzCCAc6gAwIBAgIUVt90ZQsRS0hUDFMgtoiyQb57yS8wCgYIKoZIzj0EAwIw\n"
    "NDELMAkGA1UEBhMCREUxFjAUBgNVBAoMDUV4YW1wbGUsIEluYy4xDTALBgNVBAMM\n"
    "BGxlYWYwHhcNMjYxMTIxMDkzNDU0WhcNMzYxMTE4MDkzNDU0WjA0MQswCQYDVQQG\n"
    "EwJERTEWMBQGA1UECgwNRXhhbXBsZSwgSW5jLjENMAsGA1UEAwwEbGVhZjBZMBMG\n"
    "ByqGSM49AgEGCCqGSM49AwEHA0IABFRDA6YpCF7BksInWsNOBtuX8AcjKfJ4/JLQ\n"
    "9sKZxubk5oW8sP1XQunbM/MDTsqEgayoCtZIyJIz2Q9TFngXrYyjgb0wgbowCQYD\n"
    "VR0TBAIwADALBgNVHQ8EBAMCB4AwHQYDVR0lBBYwFAYIKwYBBQUHAwEGCCsGAQUF\n"
    "BwMCMGIGA1UdEQRbMFmCC2V4YW1wbGUub3Jngg0qLmV4YW1wbGUub3JnhwTAAAIB\n"
    "hxAgAQ24AAAAAAAAAAAAAAABgQ1hQGV4YW1wbGUub3JnhhRodHRwczovL2V4YW1w\n"
    "bGUub3JnLzAdBgNVHQ4EFgQUqP/S/zv3OP2fMF+GSOpYEvZRkpUwCgYIKoZIzj0E\n"
    "AwIDRwAwRAIgVYtjJm/zuspizU/DbG2mholwUwvcSM55zxnR7R6YY64CIFyeVj93\n"
    "8jYwmPmr+JAKwg6BFUq+AmYKrVAN6tailhLd\n"
    "-----END CERTIFICATE-----\n";

static const char	sha1_pem[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBpTCCASygAwIBAgIUL/R6BtaWILW8Rs5bUVHSZ3/AngkwCQYHKoZIzj0EATAZ\n"
    "MRcwCAYDVQQLDAF4MAsGA1UEAwwEcDM4NDAeFw0yNjExMjEwOTM0NTRaFw0yNjEy\n"
    "MjEwOTM0NTRaMBkxFzAIBgNVBAsMAXgwCwYDVQQDDARwMzg0MHYwEAYHKoZIzj0C\n"
    "AQYFK4EEACIDYgAEopMXkEFdEoovWNPlx91FuBKV0ApQUIlJoy8A5hmJbL/Bo43b\n"
    "yX0mHvvoAhmK3c792on4RDtrRU8Wahi/jZviTx+adbVbY49sVzQJpcZ8obqio1dS\n"
    "8cJ3Ctkvc2DjLpL/ozYwNDATBgNVHSUEDDAKBggrBgEFBQcDAjAdBgNVHQ4EFgQU\n"
    "Z0greYP6WGpd3MeX/4MBiHIrgG4wCQYHKoZIzj0EAQNoADBlAjEAnh/RLkugLF9m\n"
    "Ac1muhlaYarwnTiStB90AnUYBEn3Umkq9xHOd2UTILel9gm57mMDAjAEl7K7IIu1\n"
    "qcV0zYPS19MdDhewubl9bubTg0H5zRmlX1R47zaG1djWQsSVxMnr+DM=\n"
    "-----END CERTIFICATE-----\n";

static const char	far_pem[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIICJDCCAYagAwIBAgIUaszN4g50NiovCMHDDRuXxoucR+EwCgYIKoZIzj0EAwQw\n"
    "DzENMAsGA1UEAwwEcDUyMTAgFw0yNjExMjEwOTM0NTRaGA8yMzAwMDkwNTA5MzQ1\n"
    "NFowDzENMAsGA1UEAwwEcDUyMTCBmzAQBgcqhkjOPQIBBgUrgQQAIwOBhgAEACw1\n"
    "3Uu7qVe00rkciDIgW+zCwzhErgta9sLBVRnmXyVSANTC+pVAMIUFabdmYxUu2bwj\n"
    "sGUJ1Vf3l+jB4GGf/a3oAFrZf43VLbfsfBQBUxWV8L5iyHROvyDjZlM8ws6jNFh9\n"
    "/Xh7udv+IcR2zBHzfRxL+y5rzOm2rdvnczFVmdKFMyjRo3sweTAZBgNVHSUEEjAQ\n"
    "BgRVHSUABggrBgEFBQcDAzA9BgNVHREENjA0oAoGAyoDBKADDAF4iAMqAwSkITAf\n"
    "MQswCQYDVQQGEwJERTEQMA4GA1UECgwHRXhhbXBsZTAdBgNVHQ4EFgQUL819OVHb\n"
    "a6Qn0OkngWtc2pSr3u8wCgYIKoZIzj0EAwQDgYsAMIGHAkIAl7Xt6f/csZcLT4tr\n"
    "F/XP+qDuprwwPdPfRe+EOI/kPYnWQfQa4gkV1qSZqldReIDclc+MVawdJbtCCaEn\n"
    "ojKqqMQCQU4kQn1vJr4dTM3ULXoK/sLplRTrslzZOlobKYAOLXPKifrOsy+4pzRV\n"
    "W5sIPycp5A2sptjThuOBVTCdCtxHq+Sk\n"
    "-----END CERTIFICATE-----\n";

static const char	limited_pem[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIICLTCCAdKgAwIBAgIUHdhtlWndUaTyX3+qwf/GTyTXzgMwCgYIKoZIzj0EAwIw\n"
    "QTETMBEGCgmSJomT8ixkARkWA29yZzEXMBUGCgmSJomT8ixkARkWB2V4YW1wbGUx\n"
    "ETAPBgoJkiaJk/IsZAEBDAF1MB4XDTI2MTEyMTA5MzQ1NFoXDTI2MTIyMTA5MzQ1\n"
    "NFowQTETMBEGCgmSJomT8ixkARkWA29yZzEXMBUGCgmSJomT8ixkARkWB2V4YW1w\n"
    "bGUxETAPBgoJkiaJk/IsZAEBDAF1MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAE4WId\n"
    "11o6VnyKL/ZJNFRRK78oDGSMnsTC3BsSReUbAWDq54brqMYmTZZwEQ6/EBWz69LN\n"
    "EdU4RgXlD6zaCOqOfaOBqjCBpzAPBgNVHRMBAf8EBTADAQH/MHUGA1UdHgEB/wRr\n"
    "MGmgQDANggtleGFtcGxlLm9yZzAKhwjAAAIA////ADAjpCEwHzELMAkGA1UEBhMC\n"
    "REUxEDAOBgNVBAoMB0V4YW1wbGWhJTAVghMuc2VjcmV0LmV4YW1wbGUub3JnMAyB\n"
    "Ci5ldmlsLnRlc3QwHQYDVR0OBBYEFP8o6FZ7BOelRfC0M3JZTbPH1URLMAoGCCqG\n"
    "SM49BAMCA0kAMEYCIQDIdN7xf0Hk2yEZRypDbN/I7/FXAoeKFIjh8hK4LA/OiAIh\n"
    "AMfc7/qeo3M11EDXJeDtHXW1SdsB1WhskQLuonxWHscl\n"
    "-----END CERTIFICATE-----\n";

static const char	ed_pem[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBGzCBzqADAgECAhRo1uwe+DlcWUcrKqmV7Ta4825m3TAFBgMrZXAwEjEQMA4G\n"
    "A1UEAwwHZWQgw6kseDAeFw0yNjExMjEwOTM1NDVaFw0yNjEyMjEwOTM1NDVaMBIx\n"
    "EDAOBgNVBAMMB2VkIMOpLHgwKjAFBgMrZXADIQCZqQQ/5FVc+e+2ooXE1qWUNRJz\n"
    "hOFB/ZaBaP/1a53ja6M2MDQwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0OBBYE\n"
    "FPTk3dS7SDY7ObwAmUAbl6XhtrncMAUGAytlcANBACpmes0SK0EHRQoMguRUdvy2\n"
    "nW5Yn4RkslLPAYbwlOU2NgX50ch+B4TDJRv4HtGxRWoHbb5Cv0kK3Y7t+iLRGgg=\n"
    "-----END CERTIFICATE-----\n";

static const char	v1_pem[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBFjCBwQIUC0ZGoNMfEpfD8PjpaESJHmgd3mwwDQYJKoZIhvcNAQELBQAwDTEL\n"
    "MAkGA1UEAwwCdjEwHhcNMjYxMTIxMDkzNDU0WhcNMjYxMjIxMDkzNDU0WjANMQsw\n"
    "CQYDVQQDDAJ2MTBcMA0GCSqGSIb3DQEBAQUAA0sAMEgCQQDLS2iaCNQJ4HXMphIn\n"
    "ug9lqi23AsRPTl0xzkgRtrBCzSEIBjjjdmdzXhR965EIKdPdjqrlajoxQpiNKrOO\n"
    "JgY5AgMBAAEwDQYJKoZIhvcNAQELBQADQQCa26hDnVNJDTe8KUL6H/o6omnRog9V\n"
    "6Vg5HC+V7bwLDi/rj+JVdhTa+221ByVi+7BDITW/igvRNl0nNj12KJ1L\n"
    "-----END CERTIFICATE-----\n";

static const char	root_pem[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIDLzCCAhegAwIBAgIUIz72KmGuIxY/qVyYmbRvBFDorzEwDQYJKoZIhvcNAQEL\n"
    "BQAwLjELMAkGA1UEBhMCREUxEDAOBgNVBAoMB0V4YW1wbGUxDTALBgNVBAMMBFJv\n"
    "b3QwHhcNMjYxMTIxMDkzNDU0WhcNMzYxMTE4MDkzNDU0WjAuMQswCQYDVQQGEwJE\n"
    "RTEQMA4GA1UECgwHRXhhbXBsZTENMAsGA1UEAwwEUm9vdDCCASIwDQYJKoZIhvcN\n"
    "AQEBBQADggEPADCCAQoCggEBAMGPCS5znawSnRHbnNC2HIW6JqCnWztQd5B8/qBI\n"
    "KgDR67U1GC65LMCryxQsqINGTnyas7QRz61GvlWuc/r5kCB+a2F+UOgD5JbkgsU+\n"
    "KpEnC4ydQ1vlNCKaffJ4Eqt9SXoCGVha8IosB2you/5hthuQNIAdfT4RLkGgG2pC\n"
    "iltJFBG5voT0/w2Bv7DWVCT8/79QHZP+RFgeR42MP2k5VbdS4AhTRVuSTRJwox1O\n"
    "3YzKciHHqHoZfaoS8emxnQ3BjlKvDn4+IW7mgKgWn+2mbswu70gLlG6Y5MTWvkz4\n"
    "7Jtu7I6YAiQfnczYvNBJRNFprqYIL+XTw5eXbkkZV6c3NB0CAwEAAaNFMEMwEgYD\n"
    "VR0TAQH/BAgwBgEB/wIBAzAOBgNVHQ8BAf8EBAMCAQYwHQYDVR0OBBYEFIyR+nRN\n"
    "kGTIzDPJloOzRMoOjhhEMA0GCSqGSIb3DQEBCwUAA4IBAQB7FUOg3UbMFLuSUenu\n"
    "EWil0YJo2TYRuJxYTD19m8uqITdlv7CybB5FlgKN88UQZpU6L5Cv3XcKCw5GgN3y\n"
    "mP1fs77NPiI0DDchgBMeiIiC1g/Zg6uJ6C74+ld+xszp2RVUvLYFMjHYk/2+V+z6\n"
    "GWRYu5In445vWURHaNExovVT0VwOxFAY3jOqamJElhK673pVV7Q1Fwii77kElaVa\n"
    "mP5TwBBY+gR5KBn5kz2fQaIThthxOHSOL/X2tETeUpBLU2OngZopnJ4sBNVyWSpE\n"
    "QjKIoMCaWczuDoWO5y58ZWhBk2eva6AddLbPRwR6CYpPnIECbEF/UvDqvySs7PtW\n"
    "dDBA\n"
    "-----END CERTIFICATE-----\n";

struct fact {
	const char	*pem;
	const char	*subject, *names, *key, *pin;
	int64_t		 from, to;
	unsigned	 version, usage, ext_usage;
	int		 pathlen;
	bool		 ca, sha1, constrained;
};

#define UNSAID	(~0u)

static const struct fact facts[] = {
	{ leaf_pem, "CN=leaf,O=Example\\, Inc.,C=DE",
	    "example.org, *.example.org, 192.0.2.1, 2001:db8::1", "EC P-256",
	    "sha256//Fwz63YIzlAlL7V0S8IUbSVsNZ4Yup7bVL+PI6GX0D60=",
	    1795253694, 2110613694, 3, TCPK__KU_DIGITAL_SIGNATURE,
	    TCPK__EKU_SERVER | TCPK__EKU_CLIENT, -1, false, false, false },
	{ sha1_pem, "OU=x+CN=p384", "", "EC P-384",
	    "sha256//TThcZVwJAuZDpnrg2k7XImINIOVhiQ2mNyQ0I3J1clw=",
	    1795253694, 1797845694, 3, UNSAID, TCPK__EKU_CLIENT, -1, false,
	    true, false },
	{ far_pem, "CN=p521", "", "EC P-521",
	    "sha256//DERGXuRmv+F6edZmTdCkXQu2/h8p5AXNq0mm9wK68GE=",
	    1795253694, 10435167294, 3, UNSAID, TCPK__EKU_ANY | TCPK__EKU_OTHER,
	    -1, false, false, false },
	{ limited_pem, "UID=u,DC=example,DC=org", "", "EC secp256k1",
	    "sha256//CduVRGM+Vl7ZzgXsnnnlm7WqBHiax/tgp17JqOo94pM=",
	    1795253694, 1797845694, 3, UNSAID, 0, -1, true, false, true },
	{ ed_pem, "CN=ed \\xc3\\xa9\\,x", "", "Ed25519",
	    "sha256//wQ+JAyBbL1eMhqziGLg6XZOY0bl4aOhlqUPGW2a7y9s=",
	    1795253745, 1797845745, 3, UNSAID, TCPK__EKU_CLIENT, -1, false,
	    false, false },
	{ v1_pem, "CN=v1", "", "RSA 512",
	    "sha256//E3e11zjlatJMYkvz4Wi1a60Tl1luzWmdDs+9ALN/SRY=",
	    1795253694, 1797845694, 1, UNSAID, 0, -1, false, false, false },
	{ root_pem, "CN=Root,O=Example,C=DE", "", "RSA 2048",
	    "sha256//EVW5dHYM0vb36RZRCPe3qaFhgxcURAjwajnp2J7DOyA=",
	    1795253694, 2110613694, 3, TCPK__KU_CERT_SIGN | 1u << 6, 0, 3,
	    true, false, false },
};

static size_t
decode(unsigned char *der, const char *pem)
{
	struct tcpk__pem	it;
	struct tcpk__pem_object	o;

	tcpk__pem_init(&it, pem, strlen(pem));
	return tcpk__pem_next(&it, &o, der, NULL) == 1 ? o.n : 0;
}

static void
test_real(void)
{
	const struct fact	*f;
	struct tcpk__cert	 c;
	struct tcpk_tls_cert	*d;
	struct tcpk_err		 err;
	unsigned char		 der[1500];
	size_t			 i, n;

	for (i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		f = &facts[i];
		tcpk_err_clear(&err);
		n = decode(der, f->pem);
		ok(tcpk__cert_parse(&c, der, n, &err) == 0 && c.der.p == der &&
		    c.der.n == n, "%s is read %s", f->subject, err.text);
		d = tcpk__cert_describe(&c);
		if (d == NULL)
			abort();
		ok(strcmp(d->subject, f->subject) == 0 &&
		    strcmp(d->issuer, f->subject) == 0, "subject %s",
		    d->subject);
		ok(strcmp(d->names, f->names) == 0, "names %s", d->names);
		ok(strcmp(d->key, f->key) == 0, "key %s", d->key);
		ok(strcmp(d->pin, f->pin) == 0, "pin %s", d->pin);
		ok(d->not_before == f->from && d->not_after == f->to &&
		    c.not_before == f->from && c.not_after == f->to,
		    "from %lld to %lld", (long long)d->not_before,
		    (long long)d->not_after);
		ok(c.version == f->version && c.usage == f->usage &&
		    c.ext_usage == f->ext_usage && c.pathlen == f->pathlen &&
		    c.ca == f->ca && c.sha1 == f->sha1 &&
		    (c.constraints.p != NULL) == f->constrained,
		    "version %u, usages %x and %x, path %d", c.version,
		    c.usage, c.ext_usage, c.pathlen);
		free(d);
	}
}

/* Whatever was read must be usable. */
static bool
use(const unsigned char *der, size_t n)
{
	struct tcpk__cert	 c;
	struct tcpk_tls_cert	*d;
	struct tcpk__span	 name;
	struct tcpk_err		 err;
	size_t			 i;

	memset(&err, 0, sizeof(err));
	if (tcpk__cert_parse(&c, der, n, &err) == -1)
		return c.der.p == NULL && err.kind == TCPK_ETLS &&
		    strncmp(err.text, "malformed certificate: ", 23) == 0;
	d = tcpk__cert_describe(&c);
	if (d == NULL)
		abort();
	free(d);
	tcpk__cert_is_for(&c, "a.example.org");
	tcpk__cert_is_for(&c, "2001:db8::1");
	tcpk__names_within(&c, c.constraints, NULL);
	for (i = 0; tcpk__cert_dns(&c, i, &name); i++)
		if (name.p < der || name.p + name.n > der + n)
			return false;
	return c.key.p == NULL || (c.key.p > der && c.key.n < n);
}

/* In memory of its own size, so that a byte read beyond it is found. */
static void
test_mutations(void)
{
	static const unsigned char	change[] = { 1, 2, 0x20, 0x80, 0xff };
	const struct fact		*f;
	unsigned char			 der[1500], *copy;
	size_t				 i, j, k, n, taken;
	struct tcpk__cert		 c;
	bool				 good;

	for (k = 0; k < sizeof(facts) / sizeof(facts[0]); k++) {
		f = &facts[k];
		n = decode(der, f->pem);
		good = true;
		taken = 0;
		for (i = 0; i < n; i++) {
			copy = malloc(i + 1);
			if (copy == NULL)
				abort();
			memcpy(copy, der, i);
			good = good && use(copy, i);
			taken += tcpk__cert_parse(&c, copy, i, NULL) == 0;
			free(copy);
		}
		ok(good && taken == 0, "%s cut short anywhere", f->subject);
		copy = malloc(n);
		if (copy == NULL)
			abort();
		memcpy(copy, der, n);
		for (i = 0; i < n; i++)
			for (j = 0; j < sizeof(change); j++) {
				copy[i] ^= change[j];
				good = good && use(copy, n);
				copy[i] ^= change[j];
			}
		ok(good && use(copy, n), "%s changed anywhere", f->subject);
		free(copy);
	}
}

/* A name's contents, and how it is shown. */
static const struct {
	const char	*hex, *shown;
} dns[] = {
	{ "", "" },
	{ "310a300806035504030c0161", "CN=a" },
	/* Two sets, the last first; and two attributes in one. */
	{ "310a300806035504030c0161" "310a300806035504060c0162",
	    "C=b,CN=a" },
	{ "3114300806035504030c0161300806035504060c0162", "CN=a+C=b" },
	/* What has a meaning: ,+"\<>;= and blanks and # at the ends. */
	{ "3112301006035504030c092c2b225c3c3e3b3d20",
	    "CN=\\,\\+\\\"\\\\\\<\\>\\;=\\ " },
	{ "310d300b06035504030c0420612023", "CN=\\ a #" },
	{ "310b300906035504030c022361", "CN=\\#a" },
	{ "310d300b06035504030c0400 0a7f41", "CN=\\x00\\x0a\\x7fA" },
	{ "310b300906035504030c02c3a9", "CN=\\xc3\\xa9" },
	/* BMPString, UniversalString, and BMPString of half a character. */
	{ "310d300b06035504031e0400412020", "CN=A\\x20\\x20" },
	{ "310d300b06035504031e040041002c", "CN=A\\," },
	{ "310d300b06035504031c0400000041", "CN=A" },
	{ "310c300a06035504031e03004142", "CN=\\x00AB" },
	/* No text at all, attributes without a name, an absurd one. */
	{ "310a30080603550403020105", "CN=#020105" },
	{ "310a300806035504480c0161", "2.5.4.72=a" },
	{ "310a30080603883703 0c0161", "2.999.3=a" },
	{ "310830060601270c0161", "0.39=a" },
	{ "3112301006 0bffffffffffffffffffff7f0c0161", "?=a" },
	{ "3109300706035504030c00", "CN=" },
};

static void
test_dn(void)
{
	struct der		d, more;
	struct tcpk__span	s;
	char			buf[100], small[12];
	size_t			i, n;

	for (i = 0; i < sizeof(dns) / sizeof(dns[0]); i++) {
		d = wrap(0x30, hex(dns[i].hex));
		s = (struct tcpk__span){ d.b, d.n };
		tcpk__dn_format(s, buf, sizeof(buf));
		ok(strcmp(buf, dns[i].shown) == 0, "%s", buf);
	}
	d = wrap(0x30, hex("310e300c06035504030c05616263640a"));
	s = (struct tcpk__span){ d.b, d.n };
	for (n = 1; n <= sizeof(small); n++) {
		memset(small, 'x', sizeof(small));
		tcpk__dn_format(s, small, n);
		ok(strlen(small) < n && (n < 4 ||
		    strcmp(small + strlen(small) - (n == 12 ? 4 : 3),
		    n == 12 ? "\\x0a" : "...") == 0),
		    "cut to %zu: %s", n, small);
	}
	small[0] = 'x';
	tcpk__dn_format(s, small, 0);
	ok(small[0] == 'x', "no room at all");
	more = hex("");
	for (i = 0; i < 100; i++)
		more = join(more, hex("310a300806035504030c0161"));
	d = wrap(0x30, more);
	tcpk__dn_format((struct tcpk__span){ d.b, d.n }, buf, sizeof(buf));
	ok(strlen(buf) > 90 && strncmp(buf, "CN=a,CN=a,", 10) == 0 &&
	    strcmp(buf + strlen(buf) - 3, "...") == 0, "a hundred: %s", buf);
	tcpk__dn_format((struct tcpk__span){ NULL, 0 }, buf, sizeof(buf));
	ok(buf[0] == '\0', "none");
}

static void
test_pins(void)
{
	static const char *const	bad[] = {
		"", "sha256/", "sha256//", "sha1//AAAA",
		"SHA256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
		"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
		"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=",
		"sha256//AAAAAAAAAAAAAAAAAAAAA AAAAAAAAAAAAAAAAAAAAA=",
		"sha256//AAAAAAAAAAAAAAAAAAAAA-AAAAAAAAAAAAAAAAAAAAA=",
		"sha256//AAAAAAAAAAAAAAAAAAAA=AAAAAAAAAAAAAAAAAAAAAA=",
	};
	struct tcpk_err	err;
	unsigned char	pin[TCPK__PIN], again[TCPK__PIN];
	char		buf[TCPK__PIN_TEXT];
	bool		same = true;
	size_t		i, j;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(pin, 7, sizeof(pin));
		ok(tcpk__pin_parse(pin, bad[i], strlen(bad[i]), &err) == -1 &&
		    err.kind == TCPK_EUSAGE && pin[0] == 7 && pin[31] == 7,
		    "refused: %s", err.text);
	}
	for (i = 0; i < 256; i++) {
		for (j = 0; j < sizeof(pin); j++)
			pin[j] = (unsigned char)(i * 7 + j * 31);
		tcpk__pin_format(pin, buf);
		same = same && strlen(buf) == 52 &&
		    tcpk__pin_parse(again, buf, 52, NULL) == 0 &&
		    memcmp(pin, again, sizeof(pin)) == 0;
	}
	ok(same, "what is shown is taken");
	tcpk__pin_format(pin, buf);
	buf[20] = '\0';
	ok(tcpk__pin_parse(pin, buf, 52, NULL) == -1, "NUL is no digit");
	memset(pin, 0xff, sizeof(pin));
	ok(strcmp(tcpk__pin_format(pin, buf), "sha256//"
	    "//////////////////////////////////////////8=") == 0, "%s", buf);
}

int
main(void)
{
	test_real();
	test_mutations();
	test_dn();
	test_pins();
	return done_testing();
}
