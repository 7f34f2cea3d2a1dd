// Package interceptor has what sees calls on their way: those of clients, those that reach workflow and activity functions,
// and those that these make. Tracing, authorization and accounting are written with it.
//
// An interceptor embeds the base of its interface, which passes everything on, and overrides what it wants to see. It is
// given to client.Options.Interceptors or worker.Options.Interceptors; one that is both a ClientInterceptor and a
// WorkerInterceptor is given to the client and reaches the workers that are made with it.
package interceptor
