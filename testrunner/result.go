package testrunner

import (
	"fmt"
	"time"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/testrunner/diff"
)

// Outcome is the way in which an entry ended.
type Outcome string

// The outcomes.
const (
	Pass          Outcome = "pass"
	Mismatch      Outcome = "mismatch"      // a response, but not the expected one
	Trap          Outcome = "trap"          // the guest broke a rule and was stopped
	Expired       Outcome = "expired"       // no response in time
	NoResponse    Outcome = "no-response"   // the guest ended without a response
	ErrorCode     Outcome = "error-code"    // the guest returned an error-code
	Instantiation Outcome = "instantiation" // there is no instance
	// Reuse means that only a new instance can respond, although hosts reuse instances of this
	// kind.
	Reuse Outcome = "reuse"
	// UpstreamMissing means that the guest sent a request to another server for which nothing is
	// recorded.
	UpstreamMissing Outcome = "upstream"
	// Leak means that the response depends on what the instance did before, and Fault that the
	// guest fails if another server does.
	Leak    Outcome = "leak"
	Fault   Outcome = "fault"
	Error   Outcome = "error"   // the fixture asks for something impossible
	Skipped Outcome = "skipped" // not run
)

// Outcomes returns all outcomes in the order in which reports list them.
func Outcomes() []Outcome {
	return []Outcome{
		Pass, Mismatch, Trap, Expired, NoResponse, ErrorCode, Instantiation, Reuse, UpstreamMissing,
		Leak, Fault, Error, Skipped,
	}
}

// Failed reports whether the outcome is neither Pass nor Skipped.
func (o Outcome) Failed() bool { return o != Pass && o != Skipped }

// ProblemKind is the subject of a problem.
type ProblemKind string

// The kinds of problems.
const (
	ProblemVersion ProblemKind = "version"
	ProblemStatus  ProblemKind = "status"
	ProblemHeader  ProblemKind = "header"
	ProblemTrailer ProblemKind = "trailer"
	ProblemBody    ProblemKind = "body"
	ProblemAssert  ProblemKind = "assert"
	ProblemCapture ProblemKind = "capture"
	ProblemRequest ProblemKind = "request" // it cannot be made
	ProblemFailure ProblemKind = "failure" // no response
	ProblemExpect  ProblemKind = "expect"  // a response or failure other than the expected one
	ProblemMissing ProblemKind = "missing" // nothing is expected
	// ProblemUpstream is a request to another server for which nothing is recorded.
	ProblemUpstream ProblemKind = "upstream"
	// ProblemBudget is something of which more was used than a budget allows.
	ProblemBudget ProblemKind = "budget"
	// ProblemLeak names what changes the response when it comes before, and ProblemFault the fault
	// of another server after which the guest fails.
	ProblemLeak  ProblemKind = "leak"
	ProblemFault ProblemKind = "fault"
)

// Problem is one difference between a response and what the fixture expects. It is plain data; the
// packages below testrunner render it.
type Problem struct {
	Kind ProblemKind
	// Range is the part of the fixture that is not met; zero if there is none.
	Range hurl.Range
	// Title says in a few words what is wrong.
	Title string
	// Expected and Actual are one line each, without secrets; "" if there is a Diff, or if Title is
	// enough.
	Expected, Actual string
	// Source is the line of the fixture that is not met; "" if Title and
	// Expected are enough.
	Source string
	// Diff is the difference of two bodies; nil for other problems.
	Diff *diff.Diff
	// Ignore has what @ignore has to say so that the difference does not count, a directive each;
	// nil if nothing was proposed.
	Ignore []string
	// After, of ProblemLeak, is the entry before it that is enough for the leak; nil if one is not.
	After *Place
	noise []string // what would be proposed
	// measured is what was used of a budget; of edits for the same place, the largest counts.
	measured int64
	// Edits change the fixture so that it expects the response; nil if no edit can.
	Edits []hurl.Edit
}

// Result is the result of an entry, as plain data: a failed expectation is a Problem, never an
// error. It belongs to the receiver, and the run does not change it any more.
type Result struct {
	Entry   *hurl.Entry
	Outcome Outcome
	Started time.Time
	// Duration is the time of all attempts, with captures, asserts and the pauses between attempts,
	// but without the option delay and without loading the component.
	Duration time.Duration
	// Request and Response are those of the last attempt; nil if there was none.
	Request  *Request
	Response *Response
	Problems []Problem
	// Missing, if not nil, is the problem that the entry has no response part, with edits that add
	// one. It is set only with Options.All.
	Missing  *Problem
	Captures []Capture
	// Attempts is the number of times that the entry was tried because of "retry": at least 1,
	// unless it was skipped.
	Attempts int
	// Earlier are the attempts that failed before the last one; of very many, the last ones.
	Earlier []Attempt
	// Notes are reported for every outcome: options without effect, a new instance.
	Notes []string
	// exchanges are the indices of the recorded exchanges that the entry used.
	exchanges []int
	// Faults are those that Chaos has tried on this entry.
	Faults []FaultResult
	// Rerun is the command that runs this entry alone; "" if there is none.
	Rerun string
}

// FaultResult is what came of a fault of another server.
type FaultResult struct {
	// Upstream is the request to that server, and Place where its exchange is recorded.
	Upstream, Place string
	Fault           string
	Survival        Survival
}

// Survival says whether a guest got over a fault: whether it gave a whole response.
type Survival string

// The results.
const (
	Survived Survival = "survived"
	Failed   Survival = "failed"
	NotTried Survival = "not-tried" // the fault would change nothing
)

// Attempt is an attempt that failed before the entry was tried again.
type Attempt struct {
	Outcome  Outcome
	Problems []Problem
}

// Flaky reports whether the entry passed after it had failed.
func (r *Result) Flaky() bool { return r.Outcome == Pass && r.Attempts > 1 }

// AttemptsNote returns the note for an entry that is Flaky.
func (r *Result) AttemptsNote() string { return fmt.Sprintf("it took %d attempts", r.Attempts) }

// Capture is a variable that an entry has set.
type Capture struct {
	Name  string
	Value any // as in JSON; "***" for a secret
}

// Name returns the name of the entry: method and URL as they are written in the fixture.
func (r *Result) Name() string {
	return EntryName(r.Entry)
}

// EntryName returns the name of an entry: method and URL as written.
func EntryName(e *hurl.Entry) string {
	return e.Request.Method + " " + e.Request.URL.String()
}

// FileResult is the result of a file.
type FileResult struct {
	File *hurl.File
	// Path is the path under which the file was found.
	Path     string
	Started  time.Time
	Duration time.Duration
	// Results has one item per entry and repetition, in the order of the run.
	Results []Result
	// ParseErrors are the errors of a file that cannot be parsed, which has no
	// results.
	ParseErrors []*hurl.ParseError
	// Err is why the file was not run at all, other than parse errors.
	Err error
	// Notes concern the file as a whole.
	Notes []string
}

// Failed reports whether the file could not be run, or any entry in it failed.
func (f *FileResult) Failed() bool {
	if len(f.ParseErrors) > 0 || f.Err != nil {
		return true
	}
	for i := range f.Results {
		if f.Results[i].Outcome.Failed() {
			return true
		}
	}
	return false
}

// Summary counts the results of a run.
type Summary struct {
	Files, FailedFiles int
	Unreadable         int // files that cannot be parsed
	Entries            int
	Flaky              int // entries that passed after they had failed
	Counts             map[Outcome]int
	Duration           time.Duration
	Loading            time.Duration // of the component; a part of Duration
	Slowest            []Slow
	// Faults are the results of Chaos, by entry.
	Faults []EntryFaults
	NotRun int // files that were left out after a failure
	// Unused has a line for each exchange of an upstream fixture that several fixtures share, and
	// that none of them has used.
	Unused []string
	strict bool // that is a failure
}

// Slow is an entry that took long.
type Slow struct {
	Place
	Duration time.Duration
}

// EntryFaults are the faults that Chaos has tried on an entry.
type EntryFaults struct {
	Place
	Faults []FaultResult
}

// Place is an entry of a file.
type Place struct {
	Path string
	Pos  hurl.Pos
	Name string
}

// String returns the name, with the file and the line behind it.
func (p Place) String() string { return fmt.Sprintf("%s (%s)", p.Name, p.Pos.LineIn(p.Path)) }

// Count adds a file.
func (s *Summary) Count(f *FileResult) {
	if s.Counts == nil {
		s.Counts = make(map[Outcome]int)
	}
	s.Files++
	if f.Failed() {
		s.FailedFiles++
	}
	if len(f.ParseErrors) > 0 {
		s.Unreadable++
	}
	if f.Err != nil {
		s.Counts[Error]++
	}
	for i := range f.Results {
		r := &f.Results[i]
		s.Entries++
		s.Counts[r.Outcome]++
		if r.Flaky() {
			s.Flaky++
		}
		if r.Outcome == Skipped {
			continue
		}
		place := Place{f.Path, r.Entry.Range.Start, r.Name()}
		s.slow(Slow{place, r.Duration})
		if len(r.Faults) > 0 {
			s.Faults = append(s.Faults, EntryFaults{place, r.Faults})
		}
	}
}

// slowest is how many slow entries are remembered.
const slowest = 3

func (s *Summary) slow(x Slow) {
	at := len(s.Slowest)
	for at > 0 && s.Slowest[at-1].Duration < x.Duration {
		at--
	}
	s.Slowest = append(s.Slowest[:at], append([]Slow{x}, s.Slowest[at:]...)...)
	s.Slowest = s.Slowest[:min(len(s.Slowest), slowest)]
}

// Verdict is the overall result of a run.
type Verdict int

// The verdicts, the worst last.
const (
	AllPassed  Verdict = iota
	Mismatches         // responses differ, now and then or under faults, and nothing worse
	Broken             // something could not be run to its end
	Unreadable         // a fixture cannot be parsed
)

// Verdict returns the verdict of the files counted.
func (s *Summary) Verdict() Verdict {
	if s.Unreadable > 0 {
		return Unreadable
	}
	for o, n := range s.Counts {
		if n > 0 && o.Failed() && o != Mismatch && o != Leak && o != Fault {
			return Broken
		}
	}
	if s.strict && len(s.Unused) > 0 {
		return Broken
	}
	if s.Counts[Mismatch]+s.Counts[Leak]+s.Counts[Fault] > 0 {
		return Mismatches
	}
	return AllPassed
}
