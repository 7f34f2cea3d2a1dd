package main

import (
	"context"
	"errors"
)

// withMillrace measures Millrace alone, in a namespace of its own, with an observer of its runs.
func withMillrace(ctx context.Context, g *ground, f func(*millraceSystem, *observer) error) error {
	return withClient(ctx, g, func(s *millraceSystem, o *observer) error {
		if err := s.startWorker(g.workerOptions()); err != nil {
			return err
		}
		return f(s, o)
	})
}

// withClient is withMillrace before a worker was started.
func withClient(ctx context.Context, g *ground, f func(*millraceSystem, *observer) error) error {
	namespace, remove, err := g.namespace(ctx)
	if err != nil {
		return err
	}
	defer remove()
	o, err := observe(g, namespace)
	if err != nil {
		return err
	}
	defer o.close()
	s, err := openMillrace(ctx, g, namespace)
	if err != nil {
		return err
	}
	return errors.Join(f(s, o), s.close())
}
