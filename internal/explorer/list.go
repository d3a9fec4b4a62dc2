package explorer

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// number returns a parameter that is a whole number; standard if it is missing.
func number(query url.Values, name string, standard uint64) (uint64, error) {
	value := query.Get(name)
	if value == "" {
		return standard, nil
	}
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		return 0, &apiError{
			http.StatusBadRequest, fmt.Sprintf("%s=%s is not a number", name, text(value)),
			"for example " + name + "=17",
		}
	}
	return n, nil
}

func (e *Explorer) serveState(w http.ResponseWriter, _ *http.Request) error {
	var current any
	for _, b := range e.built() {
		if current == nil || b.Outcome == Ready {
			current = b
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"version": e.options.Version, "component": e.options.Component,
		"address": e.options.Address, "started": since1970(e.started), "build": current,
		"fixtures": e.options.Record.Dir,
		"limits":   map[string]int64{"requests": maxRequests, "body": maxBody, "total": e.limit},
		"used":     map[string]int64{"requests": int64(len(e.list(0))), "bytes": e.bytes.Load()},
	})
	return nil
}

func (e *Explorer) serveList(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	after, err := number(query, "after", 0)
	if err != nil {
		return err
	}
	before, err := number(query, "before", 0)
	if err != nil {
		return err
	}
	limit, err := number(query, "limit", 200)
	if err != nil {
		return err
	}
	terms, err := parseSearch(query.Get("q"))
	if err != nil {
		return err
	}
	version := e.look() // what changes from now on has a greater one
	all := e.list(0)
	slices.Reverse(all)
	requests := []Summary{}
	for _, x := range all {
		if x.seq <= after || before != 0 && x.seq >= before {
			continue
		}
		if uint64(len(requests)) >= min(limit, maxRequests) {
			break
		}
		if s := x.state(); s.matches(terms) {
			requests = append(requests, s.summary())
		}
	}
	e.mu.Lock()
	seq := e.seq
	e.mu.Unlock()
	writeJSON(w, http.StatusOK, map[string]any{
		"requests": requests, "builds": e.built(), "seq": seq, "version": version,
	})
	return nil
}

const (
	// pace is how often lines of events come at most.
	pace = 50 * time.Millisecond
	// pingEvery is how often there is a line when nothing happens.
	pingEvery = 15 * time.Second
)

// events sends what changes.
type events struct {
	e               *Explorer
	json            *json.Encoder
	version         uint64 // of the last change that was sent
	oldest, cleared uint64 // of the ring, as they were sent
}

func (e *Explorer) serveEvents(w http.ResponseWriter, r *http.Request) error {
	v := events{e: e, json: json.NewEncoder(w), version: e.look()}
	after, err := number(r.URL.Query(), "after", v.version)
	if err != nil {
		return err
	}
	v.version = min(v.version, after)
	e.mu.Lock()
	v.oldest, v.cleared = e.first(), e.cleared
	e.mu.Unlock()
	changes, stop := e.watch()
	defer stop()
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	v.json.SetEscapeHTML(false)
	control := http.NewResponseController(w)
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		err := v.send()
		if err == nil {
			err = control.Flush()
		}
		if err != nil {
			return nil // the client has gone
		}
		pause.Reset(pace)
		select {
		case <-pause.C:
		case <-r.Context().Done():
			return nil
		case <-e.stopped:
			return nil
		}
		select {
		case <-changes:
		case <-ping.C:
			if v.json.Encode(map[string]bool{"ping": true}) != nil {
				return nil
			}
		case <-r.Context().Done():
			return nil
		case <-e.stopped:
			return nil
		}
	}
}

// send sends what has changed since the last call.
func (v *events) send() error {
	version := v.e.version.Load()
	v.e.mu.Lock()
	oldest, cleared := v.e.first(), v.e.cleared
	v.e.mu.Unlock()
	if cleared != v.cleared {
		v.cleared, v.oldest = cleared, oldest
		if err := v.json.Encode(map[string]bool{"cleared": true}); err != nil {
			return err
		}
	}
	if oldest > v.oldest {
		v.oldest = oldest
		if err := v.json.Encode(map[string]uint64{"gone": oldest - 1}); err != nil {
			return err
		}
	}
	for _, b := range v.e.built() {
		if b.version > v.version {
			if err := v.json.Encode(map[string]Build{"build": b}); err != nil {
				return err
			}
		}
	}
	for _, s := range v.changed() {
		if err := v.json.Encode(map[string]Summary{"request": s}); err != nil {
			return err
		}
	}
	v.version = version
	return nil
}

// changed returns the requests that have changed. Sending them may take a while, for which nobody
// waits.
func (v *events) changed() (list []Summary) {
	defer v.e.read()()
	for _, x := range v.e.list(v.version) {
		s := x.state()
		list = append(list, s.summary())
	}
	return list
}

// The outcomes of a Build.
const (
	Ready = "ready"
	Fail  = "failed"
	Same  = "same"
)

// Built records that a build is served, could not be, or is the same as before.
func (e *Explorer) Built(b Build) {
	if e == nil {
		return
	}
	e.mu.Lock()
	e.buildSeq++
	b.Seq, b.version = e.buildSeq, e.version.Add(1)
	if b.Outcome == Ready {
		e.number++
	}
	b.Number = e.number
	e.builds = append(e.builds, b)
	if len(e.builds) > maxBuilds {
		e.builds = slices.Delete(e.builds, 0, len(e.builds)-maxBuilds)
	}
	e.mu.Unlock()
	e.wake()
}

// built returns the builds, the oldest first.
func (r *ring) built() []Build {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Build{}, r.builds...)
}
