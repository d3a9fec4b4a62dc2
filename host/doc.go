// Package host serves one WASI HTTP component: it decodes and links the component, makes instances
// of it when requests come, gives them the requests, and explains why one has failed.
package host
