// Package exchange is how one HTTP exchange goes through net/http: it makes the request what a
// program expects, and passes the response on as the program produces it. It decides which headers
// belong to the connection, when to flush, how trailers are sent, what happens to a request body
// that was left unread, and how the client of a response that is cut off notices.
//
// It depends neither on the producer of the response nor on the server:
//
//	var x exchange.Exchange
//	x.Begin(&config, w, r)
//	resp, err := … x.Request() …
//	if err == nil {
//		err = x.Write(resp, cancel)
//	}
//	if err != nil && !x.Committed() {
//		err = x.Respond(func(w http.ResponseWriter) error { … })
//	}
//	if err != nil {
//		x.Abort()
//	}
//	x.End()
package exchange
