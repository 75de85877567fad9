/** Characters of the longest username; the wire's limit too. */
export const usernameLimit = 64;
