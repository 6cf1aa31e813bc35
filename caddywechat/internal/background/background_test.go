package background

import (
	"context"
	"testing"
)

func TestGroup_WorkEndsWithIt(t *testing.T) {
	g := NewGroup()
	<-g.Idle()
	started := make(chan struct{})
	for range 3 {
		g.Go(func(ctx context.Context) {
			started <- struct{}{}
			<-ctx.Done()
		})
	}
	for range 3 {
		<-started
	}
	select {
	case <-g.Idle():
		t.Fatal("idle while work runs")
	default:
	}
	g.Close()
	<-g.Idle()
}

func TestGroup_StartsNothingOnceItIsClosed(t *testing.T) {
	g := NewGroup()
	g.Close()
	g.Go(func(context.Context) { t.Error("it works") })
	<-g.Idle()
}

func TestGroup_IsIdleBetweenOneWorkAndTheNext(t *testing.T) {
	g := NewGroup()
	defer g.Close()
	for range 100 {
		g.Go(func(context.Context) {})
		<-g.Idle()
	}
}
