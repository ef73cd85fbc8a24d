// A program must not outlive a test that is killed: Linux can see to that.
package child

import (
	"os/exec"
	"syscall"
)

// BindLife has cmd killed when this process ends, however it ends. Call it before Start.
func BindLife(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
