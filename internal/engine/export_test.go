package engine

// LineRows returns the frames at each row of the map of lines, for tests of profiles.
func (m *Module) LineRows() [][]Frame {
	if m.lines == nil {
		return nil
	}
	m.lines.once.Do(m.lines.read)
	var all [][]Frame
	for _, row := range m.lines.rows {
		all = append(all, m.at(Frame{}, row.Address))
	}
	return all
}
