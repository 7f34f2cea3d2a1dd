package millrace_test

import (
	"errors"
	"fmt"

	temporal "github.com/millrace-dev/millrace"
)

// What an activity returns reaches the workflow as the cause of an *ActivityError, here by way of the failure that
// the history keeps.
func ExampleApplicationError() {
	returned := temporal.NewApplicationError("row is incomplete", "DataError", "2012-01-03", 4)
	fc := temporal.GetDefaultFailureConverter()
	err := fc.FailureToError(fc.ErrorToFailure(returned))

	var appErr *temporal.ApplicationError
	if errors.As(err, &appErr) && appErr.Type() == "DataError" {
		var day string
		var column int
		if err := appErr.Details(&day, &column); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(appErr.Message(), day, column)
	}
	fmt.Println(err)
	// Output:
	// row is incomplete 2012-01-03 4
	// row is incomplete (type: DataError, retryable: true)
}

func ExampleNewNonRetryableApplicationError() {
	err := temporal.NewNonRetryableApplicationError("no such model", "NotFound", errors.New("object not found"))
	fmt.Println(err)
	// Output: no such model (type: NotFound, retryable: false): object not found
}
