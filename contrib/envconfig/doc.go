// Package envconfig makes client options of the environment, so that one program runs unchanged on a laptop and beside
// a production cluster.
//
// What MILLRACE_* says counts more than what NATS_* says, and that more than the NATS context named by NATS_CONTEXT:
//
//	MILLRACE_ADDRESS                        NATS_URL                    server, "host:port" or URLs separated by commas
//	MILLRACE_NAMESPACE                                                  namespace
//	MILLRACE_IDENTITY                                                   how this process signs what it does
//	MILLRACE_GATEWAY                                                    "true" for a user that may not touch the streams
//	MILLRACE_GATEWAY_INBOX_PREFIX                                       how the subjects begin on which that user gets answers
//	MILLRACE_API_KEY                        NATS_TOKEN                  token
//	                                        NATS_CREDS                  file with user JWT and seed
//	                                        NATS_NKEY                   file with an nkey seed
//	                                        NATS_USER, NATS_PASSWORD
//	MILLRACE_TLS_CLIENT_CERT_PATH, ..._KEY_PATH   NATS_CERT, NATS_KEY   files of the client's certificate
//	MILLRACE_TLS_SERVER_CA_CERT_PATH        NATS_CA                     file of the certificates to trust
//	MILLRACE_TLS                                                        "true" wants TLS, without more said about it
//	MILLRACE_TLS_SERVER_NAME, MILLRACE_TLS_DISABLE_HOST_VERIFICATION
//	                                        NATS_CONTEXT                a context of the nats command
//
// A user of a gateway whose context has an inbox prefix needs no MILLRACE_GATEWAY_INBOX_PREFIX.
//
// A variable that is set to nothing counts as absent. Of token, creds, nkey and user only one kind can be given, and
// any of them replaces what the context says about it.
package envconfig
