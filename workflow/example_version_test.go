package workflow_test

import (
	"context"
	"fmt"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/workflow"
)

func ShipByTrain(_ context.Context, order string) (string, error) { return order + " by train", nil }

func ShipByRoad(_ context.Context, order string) (string, error) { return order + " by road", nil }

// Runs that were begun when there was only the road go on by road.
func ExampleGetVersion() {
	ship := func(ctx workflow.Context, order string) (string, error) {
		ctx = workflow.WithStartToCloseTimeout(ctx, time.Minute)
		carrier := ShipByRoad
		if workflow.GetVersion(ctx, "by-train", workflow.DefaultVersion, 1) == 1 {
			carrier = ShipByTrain
		}
		var how string
		err := workflow.ExecuteActivity(ctx, carrier, order).Get(ctx, &how)
		return how, err
	}
	play(ship, []any{ShipByTrain, ShipByRoad}, "apples")
	// Output: result: "apples by train"
}

// What is not the same each time is asked once and recorded.
func ExampleSideEffect() {
	draw := func(ctx workflow.Context) (string, error) {
		var token string
		err := workflow.SideEffect(ctx, func(workflow.Context) interface{} { return "k7f3" }).Get(&token)
		return "token " + token, err
	}
	play(draw, nil)
	// Output: result: "token k7f3"
}

func ExampleMutableSideEffect() {
	limits := []int{10, 10, 20}
	read := func(ctx workflow.Context) (sum int, err error) {
		for i := range limits {
			var limit int
			value := workflow.MutableSideEffect(ctx, "limit",
				func(workflow.Context) interface{} { return limits[i] },
				func(a, b interface{}) bool { return a == b })
			if err := value.Get(&limit); err != nil {
				return 0, err
			}
			sum += limit
		}
		return sum, nil
	}
	play(read, nil)
	// Output: result: 40
}

func ExampleUpsertTypedSearchAttributes() {
	stage := millrace.NewSearchAttributeKeyKeyword("Stage")
	pay := func(ctx workflow.Context) (string, error) {
		if err := workflow.UpsertTypedSearchAttributes(ctx, stage.ValueSet("paying")); err != nil {
			return "", err
		}
		if err := workflow.UpsertMemo(ctx, map[string]interface{}{"note": "by card"}); err != nil {
			return "", err
		}
		now, _ := workflow.GetTypedSearchAttributes(ctx).GetKeyword(stage)
		return fmt.Sprint("stage ", now), nil
	}
	play(pay, nil)
	// Output: result: "stage paying"
}
