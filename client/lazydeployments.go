package client

import "context"

// WorkerDeploymentClient is documented at Client.
func (l *lazyClient) WorkerDeploymentClient() WorkerDeploymentClient { return lazyDeployments{l.dial} }

// lazyDeployments is the WorkerDeploymentClient of a client that is to be had for each call.
type lazyDeployments struct {
	dial func(ctx context.Context) (Client, error)
}

func (d lazyDeployments) GetHandle(name string) WorkerDeploymentHandle {
	return &lazyDeployment{d.dial, name}
}

func (d lazyDeployments) List(ctx context.Context, options WorkerDeploymentListOptions) (WorkerDeploymentListIterator, error) {
	c, err := d.dial(ctx)
	if err != nil {
		return nil, err
	}
	return c.WorkerDeploymentClient().List(ctx, options)
}

func (d lazyDeployments) Delete(ctx context.Context, options WorkerDeploymentDeleteOptions) (WorkerDeploymentDeleteResponse, error) {
	c, err := d.dial(ctx)
	if err != nil {
		return WorkerDeploymentDeleteResponse{}, err
	}
	return c.WorkerDeploymentClient().Delete(ctx, options)
}

// lazyDeployment is its WorkerDeploymentHandle.
type lazyDeployment struct {
	dial func(ctx context.Context) (Client, error)
	name string
}

func (d *lazyDeployment) Describe(ctx context.Context, options WorkerDeploymentDescribeOptions) (WorkerDeploymentDescribeResponse, error) {
	c, err := d.dial(ctx)
	if err != nil {
		return WorkerDeploymentDescribeResponse{}, err
	}
	return c.WorkerDeploymentClient().GetHandle(d.name).Describe(ctx, options)
}

func (d *lazyDeployment) SetCurrentVersion(ctx context.Context, options WorkerDeploymentSetCurrentVersionOptions) (WorkerDeploymentSetCurrentVersionResponse, error) {
	c, err := d.dial(ctx)
	if err != nil {
		return WorkerDeploymentSetCurrentVersionResponse{}, err
	}
	return c.WorkerDeploymentClient().GetHandle(d.name).SetCurrentVersion(ctx, options)
}

func (d *lazyDeployment) SetRampingVersion(ctx context.Context, options WorkerDeploymentSetRampingVersionOptions) (WorkerDeploymentSetRampingVersionResponse, error) {
	c, err := d.dial(ctx)
	if err != nil {
		return WorkerDeploymentSetRampingVersionResponse{}, err
	}
	return c.WorkerDeploymentClient().GetHandle(d.name).SetRampingVersion(ctx, options)
}

func (d *lazyDeployment) SetManagerIdentity(ctx context.Context, options WorkerDeploymentSetManagerIdentityOptions) (WorkerDeploymentSetManagerIdentityResponse, error) {
	c, err := d.dial(ctx)
	if err != nil {
		return WorkerDeploymentSetManagerIdentityResponse{}, err
	}
	return c.WorkerDeploymentClient().GetHandle(d.name).SetManagerIdentity(ctx, options)
}

func (d *lazyDeployment) DescribeVersion(ctx context.Context, options WorkerDeploymentDescribeVersionOptions) (WorkerDeploymentVersionDescription, error) {
	c, err := d.dial(ctx)
	if err != nil {
		return WorkerDeploymentVersionDescription{}, err
	}
	return c.WorkerDeploymentClient().GetHandle(d.name).DescribeVersion(ctx, options)
}

func (d *lazyDeployment) DeleteVersion(ctx context.Context, options WorkerDeploymentDeleteVersionOptions) (WorkerDeploymentDeleteVersionResponse, error) {
	c, err := d.dial(ctx)
	if err != nil {
		return WorkerDeploymentDeleteVersionResponse{}, err
	}
	return c.WorkerDeploymentClient().GetHandle(d.name).DeleteVersion(ctx, options)
}

func (d *lazyDeployment) UpdateVersionMetadata(ctx context.Context, options WorkerDeploymentUpdateVersionMetadataOptions) (WorkerDeploymentUpdateVersionMetadataResponse, error) {
	c, err := d.dial(ctx)
	if err != nil {
		return WorkerDeploymentUpdateVersionMetadataResponse{}, err
	}
	return c.WorkerDeploymentClient().GetHandle(d.name).UpdateVersionMetadata(ctx, options)
}
