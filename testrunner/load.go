package testrunner

import "context"

// Load is fixtures that virtual users play again and again. Its users may play at once.
type Load struct{ runner *runner }

// NewLoad returns the selected sources as load on the instances of a host. Options that say how
// files follow each other (Jobs, Concurrent, FailFast, Selection.Repeat) have no effect, and
// UpstreamMode must not be one that records.
func NewLoad(host Host, sources []*Source, o *Options) *Load {
	options := *o
	options.Jobs, options.Concurrent, options.FailFast, options.Selection.Repeat = 1, 1, false, 1
	return &Load{&runner{
		host: host, options: &options, files: options.Selection.Files(sources),
		upstreams: &upstreamCache{}, vars: options.vars(),
	}}
}

// Files returns the files that are played.
func (l *Load) Files() []*Source { return l.runner.files }

// Entries returns the entries of a file that are played.
func (l *Load) Entries(s *Source) int {
	return len(l.runner.options.Selection.Entries(s.Path, s.File.Entries))
}

// User is a virtual user, who plays one file after the other, one request at a time. A User belongs
// to one goroutine.
type User struct {
	runner  *runner
	session *session
	next    int
}

// User returns a virtual user who begins with the file at an index. wrap returns the host of this
// user for that of the Load. ended is called with the result of each entry and the path of its
// file; the result is without secrets and belongs to the callee. The caller must call Close.
func (l *Load) User(first int, wrap func(Host) Host, ended func(path string, r *Result)) *User {
	options := *l.runner.options
	options.result = ended
	host := wrap(l.runner.host)
	return &User{
		runner: &runner{
			host: host, options: &options, files: l.runner.files, upstreams: l.runner.upstreams,
			vars: l.runner.vars,
		},
		session: newSession(host, 1), next: first,
	}
}

// Play plays the next file, after the last one the first one again. With IsolateFile it begins in a
// new instance, with IsolateNone in the one that the user has. The result says why a file could not
// be played; it has no results of entries. The error is the cause of the end of ctx, or an
// *OpenError.
func (u *User) Play(ctx context.Context) (*FileResult, error) {
	source := u.runner.files[u.next%len(u.runner.files)]
	u.next++
	if u.runner.options.Isolate == IsolateFile {
		u.session.fresh()
	}
	result, err := u.runner.runFile(ctx, source, u.session)
	if err != nil {
		return nil, err
	}
	result.Results = nil
	return result, nil
}

// Close ends the instances of the user.
func (u *User) Close() { u.session.fresh() }

// pass hands on the result of an entry.
func (f *fileRun) pass(r *Result) {
	if hide := f.scope.Vars.Hide(); hide != nil && r.Outcome.Failed() {
		r.redact(hide)
	}
	f.options.result(f.result.Path, r)
}
