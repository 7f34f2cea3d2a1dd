// Package opentelemetry traces workflows and hands their metrics to OpenTelemetry. It is a module of its own, so that only
// programs that use it depend on OpenTelemetry.
//
// Give the interceptor of NewTracingInterceptor to client.Options.Interceptors: it reaches the client's workers, too. The
// span of a call is the parent of those of what it leads to, across processes.
package opentelemetry
