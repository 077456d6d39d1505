//! Numbers in decimal digits, without an allocation for each.

/// A number in decimal digits, on the stack.
#[derive(Debug, Clone, Copy)]
pub struct Decimal {
    digits: [u8; 20], // u64::MAX has 20
    start: usize,
}

impl Decimal {
    /// Of this number.
    pub fn new(mut number: u64) -> Decimal {
        let mut decimal = Decimal { digits: [b'0'; 20], start: 20 };
        loop {
            decimal.start -= 1;
            decimal.digits[decimal.start] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                return decimal;
            }
        }
    }

    /// Its digits, without leading zeros.
    pub fn as_bytes(&self) -> &[u8] {
        &self.digits[self.start..]
    }

    /// Its digits, as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default() // digits are ASCII
    }
}
