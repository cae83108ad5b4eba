/*
 * tls_trust_cases: chains of what pki.sh makes, and what is to become of
 * them.  Dates are as of 2030-01-01.
 */
#ifndef TLS_TRUST_CASES_H
#define TLS_TRUST_CASES_H

#include <stddef.h>

enum { CLIENT = 1, NO_KEY = 2 };

#define CROWD	"crowded crowd1 crowd2 crowd3 crowd4 crowd5 crowd6 crowd7 " \
    "crowd8 crowd9 crowd10 crowd11 crowd12 crowd13 crowd14 crowd15"

static const struct chain_case {
	const char	*chain;		/* the leaf, what is sent with it */
	const char	*ca;		/* whom to trust */
	const char	*host;		/* NULL: good.test */
	unsigned	 flags;		/* of a client; with a leaf that even
					 * insecure does not help */
	unsigned	 alert;		/* 0: accepted */
	const char	*refusal;	/* words of the reason */
	const char	*differs;	/* openssl's verdict is another: why */
} cases[] = {
	/* What is good, in any order, with or without what is not needed. */
	{ "good int", "root", NULL, 0, 0, NULL, NULL },
	{ "good int root", "root", NULL, 0, 0, NULL, NULL },
	{ "good root int", "root", NULL, 0, 0, NULL, NULL },
	{ "good stranger wild int good int", "root", NULL, 0, 0, NULL, NULL },
	{ "good int", "stranger root root", NULL, 0, 0, NULL, NULL },
	{ "leaf_p384 int_p384", "root_p384", NULL, 0, 0, NULL, NULL },
	{ "leaf_p521 int_p521", "root_p521", NULL, 0, 0, NULL, NULL },
	{ "leaf_rsa2048 int_rsa2048", "root_rsa2048", NULL, 0, 0, NULL,
	    NULL },
	{ "leaf_rsa4096 int_rsa4096", "root_rsa4096", NULL, 0, 0, NULL,
	    NULL },
	{ "sha384 int", "root", NULL, 0, 0, NULL, NULL },
	{ "sha512 int", "root", NULL, 0, 0, NULL, NULL },
	{ "to2060 int", "root", NULL, 0, 0, NULL, NULL },
	{ "large int", "root", NULL, 0, 0, NULL, NULL },
	{ "unknown int", "root", NULL, 0, 0, NULL, NULL },

	/* Who issued it. */
	{ "strange stranger", "root", NULL, 0, 48,
	    "the issuer is not trusted: CN=stranger,O=Test", NULL },
	{ "strange", "root", NULL, 0, 48, "CN=stranger,O=Test (nor was",
	    NULL },
	{ "good", "root", NULL, 0, 48,
	    "the issuer is not trusted: CN=int,O=Test (nor was its", NULL },
	{ "good stranger", "root", NULL, 0, 48, "CN=int,O=Test (nor", NULL },
	{ "good int", "root_same", NULL, 0, 48,
	    "its name is that of CN=root,O=Test, its key is not", NULL },
	{ "good int", "root_same root", NULL, 0, 0, NULL, NULL },
	{ "good int", "root_old root", NULL, 0, 0, NULL, NULL },
	{ "good int", "root_old", NULL, 0, 45, "authority CN=root,O=Test: "
	    "certificate has expired (on 2029-01-31)", NULL },
	{ "good int_same int", "root", NULL, 0, 0, NULL, NULL },
	{ "good int_same", "root", NULL, 0, 42,
	    "bad signature: it was not made by CN=int,O=Test", NULL },
	{ "good int_old int", "root", NULL, 0, 0, NULL, NULL },
	{ "good int_old", "root", NULL, 0, 45, "issuer CN=int,O=Test: "
	    "certificate has expired (on 2029-01-31)", NULL },
	{ "good int_cross int", "root", NULL, 0, 0, NULL,
	    "it tries one way of several" },
	{ "good int_cross int", "stranger", NULL, 0, 0, NULL, NULL },
	{ "good int root_cross", "stranger", NULL, 0, 0, NULL, NULL },
	{ "good int root_cross", "root_old stranger", NULL, 0, 0, NULL,
	    "it tries one way of several" },
	{ "looped loop_back loop_x loop_y", "stranger", NULL, 0, 0, NULL,
	    NULL },
	{ "looped loop_back loop_x loop_y", "root", NULL, 0, 48,
	    "not trusted: CN=stranger", NULL },
	{ "good", "int", NULL, 0, 0, NULL,
	    "who is named in ca= is trusted, root or not" },
	{ "good", "good", NULL, 0, 0, NULL,
	    "who is named in ca= is trusted, root or not" },

	/* Signed by itself. */
	{ "self", "root", NULL, 0, 48, "self-signed and not trusted", NULL },
	{ "self", "self", NULL, 0, 0, NULL, NULL },
	{ "self", "self_rekeyed self", NULL, 0, 0, NULL,
	    "it tries one way of several" },
	{ "self", "self_rekeyed", NULL, 0, 48, "self-signed and not trusted",
	    NULL },
	{ "self", "self", "evil.test", 0, 46, "certificate is not for "
	    "evil.test (it is for good.test, self.test)", NULL },
	/* Its name and key are an anchor's, but it is another certificate. */
	{ "self", "self_other", "self.test", 0, 48,
	    "self-signed and not trusted", NULL },
	{ "self_ca", "self_ca", NULL, 0, 0, NULL, NULL },
	{ "self_sha1", "self_sha1", NULL, 0, 0, NULL, NULL },
	{ "self_sha1", "root", NULL, 0, 48, "self-signed and not", NULL },
	{ "self_expired", "self_expired", NULL, 0, 45,
	    "certificate has expired (on 2029-01-31)", NULL },
	{ "self_v1", "self_v1", NULL, 0, 46, "no subjectAltName", NULL },

	/* Names. */
	{ "good int", "root", "evil.test", 0, 46,
	    "certificate is not for evil.test (it is for good.test)", NULL },
	{ "other int", "root", NULL, 0, 46,
	    "not for good.test (it is for a.test, b.test)", NULL },
	{ "other int", "root", "B.TEST", 0, 0, NULL, NULL },
	{ "ip int", "root", "127.0.0.1", 0, 0, NULL, NULL },
	{ "ip int", "root", "2001:db8::1", 0, 0, NULL, NULL },
	{ "ip int", "root", "127.0.0.2", 0, 46,
	    "not for 127.0.0.2 (it is for 127.0.0.1, 2001:db8::1)", NULL },
	{ "dnsip int", "root", "127.0.0.1", 0, 46, "not for 127.0.0.1: it has "
	    "this as a DNS name, not as an IP address", NULL },
	{ "dnsip int", "root", "127.0.0.2", 0, 46,
	    "not for 127.0.0.2 (it is for 127.0.0.1)", NULL },
	{ "good int", "root", "127.0.0.1", 0, 46, "not for 127.0.0.1", NULL },
	{ "cnonly int", "root", NULL, 0, 46,
	    "certificate has no subjectAltName, only a common name",
	    "RFC 9525: the common name is no host's" },
	{ "cnip int", "root", "127.0.0.1", 0, 46, "only a common name",
	    NULL },
	{ "mail int", "root", NULL, 0, 46, "(it is for no host)", NULL },
	{ "wild int", "root", "www.good.test", 0, 0, NULL, NULL },
	{ "wild int", "root", "a.www.good.test", 0, 46, "*.good.test", NULL },
	{ "wild int", "root", NULL, 0, 46, "(it is for *.good.test)", NULL },
	{ "widest int", "root", NULL, 0, 46, "*.test", NULL },
	{ "partial int", "root", "www.good.test", 0, 46, "w*.good.test",
	    "RFC 9525: a wildcard is a whole label" },
	{ "middle int", "root", "www.good.test", 0, 46, "www.*.test", NULL },

	/* Keys and signatures. */
	{ "leaf_rsa1024 int", "root", NULL, 0, 46,
	    "RSA key of 1024 bits is too small", NULL },
	{ "under_int_rsa1024 int_rsa1024", "root", NULL, 0, 46,
	    "issuer CN=int_rsa1024: RSA key of 1024 bits is too small",
	    NULL },
	{ "under_root_rsa1024", "root_rsa1024", NULL, 0, 46,
	    "authority CN=root_rsa1024: RSA key of 1024 bits", NULL },
	{ "leaf_rsa8192 int", "root", NULL, NO_KEY, 43,
	    "RSA key of 8192 bits is too large", "BearSSL's limit" },
	{ "under_int_rsa8192 int_rsa8192", "root", NULL, 0, 43,
	    "RSA key of 8192 bits is too large", "BearSSL's limit" },
	{ "under_root_rsa8192", "root_rsa8192", NULL, 0, 43,
	    "RSA key of 8192 bits is too large", "BearSSL's limit" },
	{ "leaf_k256 int", "root", NULL, NO_KEY, 43, "(EC secp256k1)",
	    "BearSSL has three curves" },
	{ "under_int_k256 int_k256", "root", NULL, 0, 43, "(EC secp256k1)",
	    "BearSSL has three curves" },
	{ "under_root_k256", "root_k256", NULL, 0, 43, "(EC secp256k1)",
	    "BearSSL has three curves" },
	{ "leaf_ed int", "root", NULL, NO_KEY, 43, "(Ed25519)",
	    "BearSSL has no Ed25519" },
	{ "under_int_ed int_ed", "root", NULL, 0, 43, "(Ed25519)",
	    "BearSSL has no Ed25519" },
	{ "under_root_ed", "root_ed", NULL, 0, 43, "(Ed25519)",
	    "BearSSL has no Ed25519" },
	{ "pss int_rsa2048", "root_rsa2048", NULL, 0, 43,
	    "signed with an algorithm that is not supported",
	    "BearSSL has no RSA-PSS" },
	{ "sha1 int", "root", NULL, 0, 46, "signed with SHA-1", NULL },
	{ "under_sha1 int_sha1", "root", NULL, 0, 46,
	    "issuer CN=int_sha1,O=Test: certificate is signed with SHA-1",
	    NULL },
	{ "under_root_sha1", "root_sha1", NULL, 0, 0, NULL, NULL },
	{ "sha224 int", "root", NULL, 0, 43,
	    "signed with an algorithm that is not supported",
	    "nobody uses SHA-224" },

	/* Dates. */
	{ "expired int", "root", NULL, 0, 45,
	    "certificate has expired (on 2029-01-31)", NULL },
	{ "future int", "root", NULL, 0, 45,
	    "certificate is not valid before 2030-06-01", NULL },
	{ "under_int_expired int_expired", "root", NULL, 0, 45, "issuer "
	    "CN=int_expired,O=Test: certificate has expired", NULL },
	{ "under_root_expired", "root_expired", NULL, 0, 45, "authority "
	    "CN=root_expired,O=Test: certificate has expired", NULL },
	{ "under_root_future", "root_future", NULL, 0, 45, "authority "
	    "CN=root_future,O=Test: certificate is not valid before "
	    "2030-06-01", NULL },

	/* Who may issue. */
	{ "under_false int_false", "root", NULL, 0, 48, "issuer "
	    "CN=int_false,O=Test: certificate is not that of an authority",
	    NULL },
	{ "under_none int_none", "root", NULL, 0, 48,
	    "not that of an authority", NULL },
	{ "under_nosign int_nosign", "root", NULL, 0, 46,
	    "not for signing others", NULL },
	{ "under_root_false", "root_false", NULL, 0, 48, "authority "
	    "CN=root_false,O=Test: certificate is not that of an", NULL },
	{ "under_root_nosign", "root_nosign", NULL, 0, 46,
	    "not for signing others", NULL },
	{ "under_root_v1", "root_v1", NULL, 0, 48, "not that of an authority",
	    NULL },
	{ "wild good", "good", NULL, 0, 48, "CN=int", NULL },
	{ "under_len0 int_len0", "root", "good.test", 0, 0, NULL, NULL },
	{ "under_beyond0 int_beyond0 int_len0", "root", NULL, 0, 48,
	    "issuer CN=int_len0,O=Test: too many issuers between it and the "
	    "leaf (1, it allows 0)", NULL },
	{ "under_renewed int_renewed int_len0", "root", NULL, 0, 0, NULL,
	    NULL },
	{ "under_root_len0", "root_len0", NULL, 0, 0, NULL, NULL },
	{ "beyond_root_len0 int_root_len0", "root_len0", NULL, 0, 48,
	    "authority CN=root_len0,O=Test: too many issuers between", NULL },

	/* Name constraints. */
	{ "in_int_nc int_nc", "root", "www.good.test", 0, 0, NULL, NULL },
	{ "out_int_nc int_nc", "root", NULL, 0, 46, "certificate is not "
	    "for CN=int_nc,O=Test to issue: name constraints of its issuer "
	    "do not permit evil.test",
	    NULL },
	{ "ip_in int_nc", "root", "127.0.0.1", 0, 0, NULL, NULL },
	{ "ip_out int_nc", "root", "192.0.2.1", 0, 46,
	    "do not permit 192.0.2.1", NULL },
	{ "nc_excluded int_nc", "root", "bad.good.test", 0, 46,
	    "exclude bad.good.test", NULL },
	{ "in_int_nccrit int_nccrit", "root", "www.good.test", 0, 43,
	    "issuer CN=int_nccrit,O=Test: unsupported critical extension",
	    "BearSSL knows no name constraints" },
	{ "out_int_nccrit int_nccrit", "root", NULL, 0, 43,
	    "unsupported critical extension", NULL },
	{ "in_root_nc", "root_nc", "www.good.test", 0, 0, NULL, NULL },
	{ "out_root_nc", "root_nc", NULL, 0, 46, "do not permit evil.test",
	    NULL },
	{ "far_root_nc int_root_nc", "root_nc", "evil.test", 0, 46,
	    "do not permit evil.test", NULL },
	{ "in_root_nccrit", "root_nccrit", "www.good.test", 0, 0, NULL,
	    NULL },
	{ "out_root_nccrit", "root_nccrit", NULL, 0, 46,
	    "do not permit evil.test", NULL },

	/* What for. */
	{ "for_client int", "root", NULL, 0, 46,
	    "certificate is for clients only (extended key usage)", NULL },
	{ "for_both int", "root", NULL, 0, 0, NULL, NULL },
	{ "for_unsaid int", "root", NULL, 0, 0, NULL, NULL },
	{ "for_any int", "root", NULL, 0, 0, NULL,
	    "RFC 5280: any is any, also for TLS" },
	{ "for_code int", "root", NULL, 0, 46, "for other purposes only",
	    NULL },
	{ "for_server_crit int", "root", NULL, 0, 43,
	    "unsupported critical extension",
	    "BearSSL knows no extended key usage" },
	{ "under_client int_client", "root", NULL, 0, 46, "issuer "
	    "CN=int_client,O=Test: certificate is for clients only", NULL },
	{ "under_server int_server", "root", NULL, 0, 0, NULL, NULL },
	{ "under_root_client", "root_client", NULL, 0, 46, "authority "
	    "CN=root_client,O=Test: certificate is for clients only",
	    NULL },
	{ "signs_only int", "root", NULL, 0, 46,
	    "certificate is not for digital signatures (key usage)", NULL },
	{ "enciphers int_rsa2048", "root_rsa2048", NULL, 0, 46,
	    "not for digital signatures",
	    "no suite is left in which a key deciphers" },
	{ "enciphers int_rsa2048", "root_rsa2048", NULL, CLIENT, 46,
	    "for servers only", NULL },
	{ "unknown_crit int", "root", NULL, 0, 43,
	    "unsupported critical extension", NULL },
	{ "under_unknown_crit int_unknown_crit", "root", NULL, 0, 43,
	    "issuer CN=int_unknown_crit,O=Test: unsupported critical "
	    "extension", NULL },

	/* Clients. */
	{ "client int", "root", NULL, CLIENT, 0, NULL, NULL },
	{ "for_client int", "root", NULL, CLIENT, 0, NULL, NULL },
	{ "for_both int", "root", NULL, CLIENT, 0, NULL, NULL },
	{ "for_unsaid int", "root", NULL, CLIENT, 0, NULL, NULL },
	{ "good int", "root", NULL, CLIENT, 46,
	    "certificate is for servers only (extended key usage)", NULL },
	{ "under_server int_server", "root", NULL, CLIENT, 46, "issuer "
	    "CN=int_server,O=Test: certificate is for servers only", NULL },
	{ "under_client int_client", "root", NULL, CLIENT, 0, NULL, NULL },
	{ "client int", "stranger", NULL, CLIENT, 48,
	    "the issuer is not trusted", NULL },
	{ "self", "root", NULL, CLIENT, 48, "self-signed and not", NULL },

	/* Much of it. */
	{ "under15 deep15 deep14 deep13 deep12 deep11 deep10 deep9 deep8 "
	    "deep7 deep6 deep5 deep4 deep3 deep2 deep1", "root", NULL, 0, 0,
	    NULL, NULL },
	{ "under16 deep16 deep15 deep14 deep13 deep12 deep11 deep10 deep9 "
	    "deep8 deep7 deep6 deep5 deep4 deep3 deep2 deep1", "root", NULL,
	    0, 43, "more than 16 certificates", "a limit of ours" },
	{ CROWD, "root", NULL, 0, 48, "the issuer is not trusted: CN=crowd",
	    NULL },
	{ CROWD, "crowd15", NULL, 0, 0, NULL,
	    "who is named in ca= is trusted, root or not" },
	{ CROWD, "crowd1", NULL, 0, 42, "bad signature",
	    "to look further has an end" },
	{ "huge int", "root", NULL, NO_KEY, 43, "is too large (32768 at most)",
	    "a limit of ours" },
	{ "large large large", "root", NULL, 0, 43,
	    "certificates of more than 65536 bytes in all", NULL },
};

#endif
