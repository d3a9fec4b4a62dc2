package explorer

import (
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/record"
	"github.com/wasihttp/wasihttp/internal/timeline"
	"github.com/wasihttp/wasihttp/serve"
)

func (e *Explorer) serveFixture(w http.ResponseWriter, r *http.Request) error {
	s, err := e.wanted(r.PathValue("seq"))
	if err != nil {
		return err
	}
	var in struct {
		File string `json:"file"`
	}
	if err := input(r, &in); err != nil {
		return err
	}
	saving, err := s.saving()
	if err != nil {
		return err
	}
	saving.File = in.File
	saved, err := record.Save(saving, e.options.Record)
	var name *record.NameError
	switch {
	case errors.As(err, &name):
		return &apiError{
			http.StatusBadRequest, err.Error(), "write a name without folders, such as login.hurl",
		}
	case errors.Is(err, fs.ErrExist):
		return &apiError{
			http.StatusConflict, in.File + " exists", "use another name, or remove the file",
		}
	case errors.Is(err, record.ErrInexpressible):
		return &apiError{
			http.StatusConflict, err.Error(),
			"fixtures have requests for a path, and their responses or the component's failures",
		}
	case err != nil:
		return err
	}
	if saved.Warnings == nil {
		saved.Warnings = []string{}
	}
	if s.trace.Drew() {
		saved.Warnings = append(saved.Warnings, "the component drew random numbers, which are "+
			"others when the fixture is replayed: record it with --record, which gives them a seed")
	}
	writeJSON(w, http.StatusOK, saved)
	return nil
}

// saving returns what a fixture is made of. The error says why there can be none.
func (s *state) saving() (record.Saving, error) {
	request, response := s.trace.Body(timeline.RequestBody), s.trace.Body(timeline.ResponseBody)
	conflict := func(message, hint string) (record.Saving, error) {
		return record.Saving{}, &apiError{http.StatusConflict, message, hint}
	}
	const larger = "record it with --record, which keeps more of a body"
	switch {
	case !s.ended:
		return conflict("the request has not ended", "wait for its end")
	case !request.Whole():
		return conflict("not all of the request's body is kept", larger)
	case !response.Whole():
		return conflict("not all of the response's body is kept", larger)
	case s.outcome == string(serve.ClientGone) || s.outcome == string(serve.Stopped):
		return conflict("the client left before the response was complete", "send it again")
	}
	x := serve.Recorded{
		ID: s.id, Start: s.trace.Start(), Duration: s.duration, Method: s.method, Host: s.host,
		Target: s.target, Header: s.fields.header(), Trailer: s.trailers.request,
		Failure: s.failure,
	}
	if s.hasBody {
		x.Body = append([]byte{}, request.Bytes...)
	}
	if s.failure == nil {
		x.Status, x.ResponseHeader = s.status, s.responseFields.header()
		x.ResponseBody, x.ResponseTrailer = response.Bytes, s.trailers.response
	}
	out := record.Saving{
		Recorded: x, World: &fixture.World{Clock: x.Start.UTC().Truncate(time.Millisecond)},
	}
	list, sent := s.trace.Exchanges()
	if sent > len(list) {
		return conflict("not all upstream exchanges are kept", larger)
	}
	for i := range list {
		other, err := s.savedUpstream(&list[i])
		if err != nil {
			return record.Saving{}, err
		}
		out.Upstream = append(out.Upstream, other)
	}
	return out, nil
}

// savedUpstream returns an exchange with another server for a fixture.
func (s *state) savedUpstream(x *timeline.Exchange) (fixture.Exchange, error) {
	if !x.Body.Whole() || !x.ResponseBody.Whole() {
		return fixture.Exchange{}, &apiError{
			http.StatusConflict, "not all of a body of an upstream exchange is kept",
			"record it with --record, which keeps more of a body",
		}
	}
	out := fixture.Exchange{
		Started: s.trace.Start().Add(x.Start),
		Request: fixture.Request{
			Method: x.Method, URL: x.URL, Headers: fixtureFields(x.Header), Body: x.Body.Bytes,
		},
	}
	if x.End >= 0 {
		out.Duration = x.End - x.Start
	}
	if x.Status == 0 {
		out.Failure = failKind(x.Error)
		return out, nil
	}
	out.Wait = x.Head - x.Start
	out.Response = &fixture.Response{
		Status: x.Status, Headers: fixtureFields(x.ResponseHeader), Body: x.ResponseBody.Bytes,
	}
	if out.Response.Body == nil {
		out.Response.Body = []byte{}
	}
	if x.Error != "" {
		out.Failure = "cut"
	}
	return out, nil
}

// failKind returns the word of @fail for an error code of wasi:http.
func failKind(code string) string {
	code, _, _ = strings.Cut(code, ":")
	code, _, _ = strings.Cut(code, "(")
	switch strings.ToLower(code) {
	case "dns-error":
		return "dns"
	case "dns-timeout":
		return "dns-server"
	case "connection-timeout", "connection-read-timeout", "connection-write-timeout",
		"http-response-timeout":
		return "timeout"
	case "http-request-denied", "destination-ip-prohibited":
		return "denied"
	case "tls-certificate-error":
		return "certificate"
	case "tls-protocol-error", "tls-alert-received":
		return "tls"
	case "connection-terminated":
		return "reset"
	}
	return "refused"
}
