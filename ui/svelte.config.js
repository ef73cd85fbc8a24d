// The Svelte compiler's settings: its defaults. The file keeps the build tool from asking for one.
export default {};
