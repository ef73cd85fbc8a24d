// What an error means for whoever thinks of trying again.
package postgres

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
)

type kind int

const (
	final kind = iota // nil, or an answer: trying again gives the same
	busy              // rolled back because of others
	away              // no answer, or that there is no server to answer
)

// Codes of SQLSTATE that are not answers to the statement.
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"

	readOnlyTransaction  = "25006" // connected to what has become a standby
	idleInTransaction    = "25P03" // PG4 ended it
	tooManyConnections   = "53300"
	queryCanceled        = "57014" // by statement_timeout
	adminShutdown        = "57P01"
	crashShutdown        = "57P02"
	cannotConnectNow     = "57P03"
	connectionExceptions = "08"
)

func classify(err error) kind {
	if err == nil {
		return final
	}
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		return classifyCode(answer.Code)
	}
	var network net.Error
	var connect *pgconn.ConnectError
	if errors.As(err, &network) || errors.As(err, &connect) || pgconn.SafeToRetry(err) || errors.Is(err, pgconn.ErrConnClosed) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return away
	}
	return final
}

func classifyCode(code string) kind {
	switch {
	case code == serializationFailure || code == deadlockDetected:
		return busy
	case code[:min(2, len(code))] == connectionExceptions || slices.Contains([]string{readOnlyTransaction, idleInTransaction,
		tooManyConnections, queryCanceled, adminShutdown, crashShutdown, cannotConnectNow}, code):
		return away
	}
	return final
}
