package codec

import (
	"bytes"
	"testing"

	"go.temporal.io/sdk/testsuite"
)

func TestPayloadIsUnreadable(t *testing.T) {
	p, err := Converter(7).ToPayload("secret")
	if err != nil || bytes.Contains(p.Data, []byte("secret")) {
		t.Fatalf("payload %s, %v", p.GetData(), err)
	}
	var got string
	if err := Converter(7).FromPayload(p, &got); err != nil || got != "secret" {
		t.Fatalf("decoded %q, %v", got, err)
	}
}

func TestWorkflowWithCodec(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.SetDataConverter(Converter(7))
	env.ExecuteWorkflow(Workflow, "secret")
	var got string
	if err := env.GetWorkflowResult(&got); err != nil || got != "secret" {
		t.Fatalf("result %q, %v", got, err)
	}
}
