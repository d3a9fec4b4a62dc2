package component

// join connects an embedder's source, whose stream a guest handed back, with a sink.
func (s *Store) join(sh *shared, sink ByteSink) {
	src := s.takeSource(sh)
	if src == nil {
		sink.End(nil)
		return
	}
	j := &joint{store: s, src: src, sink: sink}
	if s.joints == nil {
		s.joints = map[*joint]struct{}{}
	}
	s.joints[j] = struct{}{}
	j.step()
}

// joint moves bytes from a source to a sink without a guest. It belongs to its store: both sides
// end when the store closes.
type joint struct {
	store *Store
	src   ByteSource
	sink  ByteSink
	buf   []byte
	have  []byte
	end   bool
	stop  func() // of the wait under way, nil if there is none
}

// jointBuffer is how many bytes a joint moves at a time.
const jointBuffer = 32 << 10

func (j *joint) step() {
	if j.buf == nil {
		j.buf = make([]byte, jointBuffer)
	}
	for {
		if len(j.have) == 0 {
			if j.end {
				j.release()
				j.src.Close()
				j.sink.End(nil)
				return
			}
			n, end := j.src.Read(j.buf)
			j.have, j.end = j.buf[:n], end
			if n == 0 && !end {
				j.again(j.src.Wait)
				return
			}
			continue
		}
		n := j.sink.Accept(len(j.have))
		switch {
		case n < 0:
			j.release()
			j.src.Close()
			return
		case n == 0:
			j.again(j.sink.Wait)
			return
		}
		j.sink.Write(j.have[:n])
		j.have = j.have[n:]
	}
}

// again continues when there may be something to move.
func (j *joint) again(wait func(func()) func()) {
	j.store.pending++
	j.stop = wait(func() {
		j.store.mailbox.post(func() {
			if j.stop != nil {
				j.stopWaiting()
				j.step()
			}
		})
	})
}

func (j *joint) stopWaiting() {
	j.store.pending--
	stop := j.stop
	j.stop = nil
	stop()
}

func (j *joint) release() { delete(j.store.joints, j) }

// abandon ends both sides, because the store closes.
func (j *joint) abandon(err error) {
	j.release()
	if j.stop != nil {
		j.stopWaiting()
	}
	j.src.Close()
	j.sink.End(err)
}
