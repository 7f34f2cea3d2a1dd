package coordinator_test

import (
	"context"

	"github.com/millrace-dev/millrace/internal/history"
)

func (p *process) InboxEmpty(ctx context.Context, run history.Address, sources []history.Source) (empty bool, err error) {
	err = p.do("InboxEmpty", run.Run, func() (err error) {
		empty, err = p.Model.InboxEmpty(ctx, run, sources)
		return err
	})
	return empty, err
}
