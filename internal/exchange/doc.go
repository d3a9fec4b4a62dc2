// Package exchange is how a response reaches net/http, for servers of any kind: it knows neither
// what makes the response nor who asks for it.
package exchange
