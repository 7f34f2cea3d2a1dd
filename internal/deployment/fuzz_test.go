package deployment

import (
	"testing"
	"time"
)

// FuzzParse reads any table and asks it everything: a table that can be read can be used.
func FuzzParse(f *testing.F) {
	t := &Table{}
	v := Version{DeploymentName: "d", BuildID: "b"}
	t.Register(v, "q", []string{"T"}, time.UnixMilli(1))
	t.RegisterActivities(v, "q", time.UnixMilli(1))
	data, err := t.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"deployments": {"d": null}}`))
	f.Add([]byte(`{"deployments": {"d": {"builds": {"b": null}}}}`))
	f.Add([]byte(`{"deployments": {"d": {}}, "lent": {"q": null}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		table, err := Parse(data)
		if err != nil {
			return
		}
		v := Version{DeploymentName: "d", BuildID: "b"}
		table.Target("q", "w")
		table.RampingTarget("q")
		table.Route("q", "w", "T")
		table.Pins(v, "q", "T")
		table.Serves("b", "q")
		table.RunsActivities("b", "q")
		table.Receives(v)
		table.Homes(v, "q")
		table.Lenders("q", "b")
		table.Build(v)
		table.Register(v, "q", nil, time.UnixMilli(2))
		table.Lend("q", "h", "b")
		table.Remove(v)
		if _, err := table.Encode(); err != nil {
			t.Error(err)
		}
	})
}
