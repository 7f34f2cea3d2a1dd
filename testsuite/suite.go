package testsuite

import (
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/internal/metrics"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/workflow"
)

// WorkflowTestSuite makes the environments of tests, and holds what they share. The zero value is ready; test suites
// embed it. It is not safe for concurrent use.
type WorkflowTestSuite struct {
	logger          log.Logger
	header          *common.Header
	disableAliasing bool
	propagators     []workflow.ContextPropagator
	metrics         metrics.Handler
}

// SetLogger sets where workflows and activities log. Nothing is logged by default.
func (s *WorkflowTestSuite) SetLogger(logger log.Logger) { s.logger = logger }

// GetLogger returns the logger.
func (s *WorkflowTestSuite) GetLogger() log.Logger {
	if s.logger == nil {
		return log.Discard{}
	}
	return s.logger
}

// SetHeader sets the header that workflows and activities start with.
func (s *WorkflowTestSuite) SetHeader(header *common.Header) { s.header = header }

// SetContextPropagators sets what carries values of contexts into workflows and activities, by the header.
func (s *WorkflowTestSuite) SetContextPropagators(ctxProps []workflow.ContextPropagator) {
	s.propagators = ctxProps
}

// SetMetricsHandler sets what takes the metrics of workflow code. They are dropped by default.
func (s *WorkflowTestSuite) SetMetricsHandler(metricsHandler metrics.Handler) {
	s.metrics = metricsHandler
}

// SetDisableRegistrationAliasing makes functions known by the names that they are registered under only: a call by a
// function that is registered under another name than its own then has to name it.
func (s *WorkflowTestSuite) SetDisableRegistrationAliasing(disableRegistrationAliasing bool) {
	s.disableAliasing = disableRegistrationAliasing
}

// NewTestWorkflowEnvironment returns an environment for one execution of one workflow.
func (s *WorkflowTestSuite) NewTestWorkflowEnvironment() *TestWorkflowEnvironment {
	return newWorkflowEnvironment(s)
}

// NewTestActivityEnvironment returns an environment for activities.
func (s *WorkflowTestSuite) NewTestActivityEnvironment() *TestActivityEnvironment {
	return newActivityTestEnvironment(s)
}
