package replay

// BeginConversion says that values are being encoded or decoded until EndConversion is called: how long that takes
// depends on their size, and on what the author's converter waits for, and says nothing about code that blocks.
func (e *Env) BeginConversion() { e.m.converting.Add(1) }

// EndConversion is documented at BeginConversion.
func (e *Env) EndConversion() { e.m.converting.Add(-1) }

// Converting says whether values are being encoded or decoded. It may be called at any time.
func (m *Machine) Converting() bool { return m.converting.Load() > 0 }
