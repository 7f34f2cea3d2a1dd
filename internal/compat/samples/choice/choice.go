// Package choice runs the activity that another one chose, or several.
package choice

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

// Kitchen takes orders.
type Kitchen struct{ Orders []string }

// TakeOrders is an activity.
func (k *Kitchen) TakeOrders(context.Context) ([]string, error) { return k.Orders, nil }

// Bake is an activity.
func (k *Kitchen) Bake(_ context.Context, what string) (string, error) { return "baked " + what, nil }

// Brew is an activity.
func (k *Kitchen) Brew(_ context.Context, what string) (string, error) { return "brewed " + what, nil }

// Workflow serves each order by the activity for it, all at once.
func Workflow(ctx workflow.Context) ([]string, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second})
	var k *Kitchen
	var orders []string
	if err := workflow.ExecuteActivity(ctx, k.TakeOrders).Get(ctx, &orders); err != nil {
		return nil, err
	}
	var served []workflow.Future
	for _, order := range orders {
		switch order {
		case "bread", "cake":
			served = append(served, workflow.ExecuteActivity(ctx, k.Bake, order))
		case "coffee", "tea":
			served = append(served, workflow.ExecuteActivity(ctx, k.Brew, order))
		default:
			return nil, fmt.Errorf("there is no %s", order)
		}
	}
	results := make([]string, len(served))
	for i, f := range served {
		if err := f.Get(ctx, &results[i]); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	s, err := scene.Open(options, "choice", func(r worker.Registry) {
		r.RegisterWorkflow(Workflow)
		r.RegisterActivity(&Kitchen{Orders: []string{"tea", "cake"}})
	})
	if err != nil {
		return err
	}
	defer s.Close()
	return scene.Expect(ctx, s, []string{"brewed tea", "baked cake"}, Workflow)
}
