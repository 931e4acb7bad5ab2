// scaffold
export {};
