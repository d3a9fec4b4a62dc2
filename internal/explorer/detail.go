package explorer

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/wasihttp/wasihttp/internal/timeline"
)

// wanted returns the request that the path names.
func (e *Explorer) wanted(seq string) (*state, error) {
	n, err := strconv.ParseUint(seq, 10, 64)
	if err == nil {
		if x := e.find(n); x != nil {
			s := x.state()
			return &s, nil
		}
	}
	return nil, &apiError{
		http.StatusNotFound, "request " + text(seq) + " is not kept",
		"the last " + strconv.Itoa(maxRequests) + " requests are, as far as there is room",
	}
}

func reveals(r *http.Request) bool { return r.URL.Query().Get("reveal") == "1" }

func (e *Explorer) serveDetail(w http.ResponseWriter, r *http.Request) error {
	s, err := e.wanted(r.PathValue("seq"))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, s.detail(reveals(r)))
	return nil
}

func (e *Explorer) serveBody(w http.ResponseWriter, r *http.Request) error {
	s, err := e.wanted(r.PathValue("seq"))
	if err != nil {
		return err
	}
	part := r.URL.Query().Get("part")
	body, masked, err := s.bodyOf(part)
	if err != nil {
		return err
	}
	if masked.Body.Secret && !reveals(r) {
		return &apiError{
			http.StatusForbidden, "the body holds something that may be a secret",
			"add reveal=1 to have it",
		}
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(len(body.Bytes)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body.Bytes) // a client that has gone needs none
	}
	return nil
}

// bodyOf returns the body that a name stands for, and the masked message that it belongs to.
func (s *state) bodyOf(part string) (timeline.Body, *Message, error) {
	none := &apiError{
		http.StatusNotFound, "there is no body part=" + text(part),
		"use request, response, upstream/0/request or upstream/0/response",
	}
	switch part {
	case "request":
		return s.trace.Body(timeline.RequestBody), s.masking(false).request, nil
	case "response":
		if !s.responded {
			return timeline.Body{}, nil, none
		}
		return s.trace.Body(timeline.ResponseBody), s.masking(false).response, nil
	}
	index, of, _ := strings.Cut(strings.TrimPrefix(part, "upstream/"), "/")
	n, err := strconv.Atoi(index)
	list, _ := s.trace.Exchanges()
	if err != nil || !strings.HasPrefix(part, "upstream/") || n < 0 || n >= len(list) {
		return timeline.Body{}, nil, none
	}
	x := &list[n]
	m := s.upstream(x, false)
	switch {
	case of == "request":
		return x.Body, m.Request, nil
	case of == "response" && m.Response != nil:
		return x.ResponseBody, m.Response, nil
	}
	return timeline.Body{}, nil, none
}
