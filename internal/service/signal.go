// Signals: the first asks to stop, the second not to wait.
package service

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Signals returns a context that ends with the first interrupt or terminate
// signal and a channel that is closed by the second. release gives the
// signals back to their former meaning.
func Signals(parent context.Context) (ctx context.Context, abort <-chan struct{}, release func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ctx, abort, stop := twoStep(parent, signals)
	return ctx, abort, func() {
		signal.Stop(signals)
		stop()
	}
}

func twoStep(parent context.Context, signals <-chan os.Signal) (context.Context, <-chan struct{}, func()) {
	ctx, cancel := context.WithCancel(parent)
	abort, quit := make(chan struct{}), make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-signals:
			cancel()
		case <-quit:
			return
		}
		select {
		case <-signals:
			close(abort)
		case <-quit:
		}
	}()
	return ctx, abort, func() {
		close(quit)
		<-done
		cancel()
	}
}
