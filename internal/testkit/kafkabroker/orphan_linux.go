// Brokers must not outlive a test that is killed: Linux can see to that.
package kafkabroker

import (
	"os/exec"
	"syscall"
)

// bindLife has cmd killed when this process ends, however it ends.
func bindLife(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
