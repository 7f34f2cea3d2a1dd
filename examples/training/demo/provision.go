package main

import (
	"context"
	"fmt"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/devserver"
	"github.com/millrace-dev/millrace/streams"
)

// provision creates what the default namespace lacks on the server: everything at its first start, nothing later.
func provision(ctx context.Context, s *devserver.Server) error {
	nc, err := s.Connect()
	if err != nil {
		return fmt.Errorf("provision namespace %s: %w", client.DefaultNamespace, err)
	}
	defer nc.Close()
	plan, err := streams.PlanNamespace(ctx, nc, client.DefaultNamespace, streams.CreateOptions{})
	if err != nil {
		return fmt.Errorf("provision namespace %s: %w", client.DefaultNamespace, err)
	}
	if err := plan.Apply(ctx); err != nil {
		return fmt.Errorf("provision namespace %s: %w", client.DefaultNamespace, err)
	}
	return nil
}
